//! What the driver counts.

use executive::{atomic_counters, counters};

counters! {
    /// What one card has done and what went wrong, each reason by itself.
    pub struct CardCounters {
        /// Frames taken from the ring and indicated.
        frames_received,
        /// Frames handed to the transmitter.
        frames_sent,
        /// Bytes of the frames received.
        bytes_received,
        /// Bytes of the frames sent, padding included.
        bytes_sent,
        /// Frames transmitted without error.
        transmissions_completed,
        /// Frames transmitted after one collision.
        transmit_one_collision,
        /// Frames transmitted after several collisions.
        transmit_more_collisions,
        /// Transmissions given up after sixteen collisions.
        transmit_excessive_collisions,
        /// Transmissions ended because the carrier was lost.
        transmit_carrier_lost,
        /// Transmissions ended because the chip's FIFO ran empty.
        transmit_fifo_underrun,
        /// Transmissions ended by a collision after the slot time.
        transmit_late_collision,
        /// Transmissions that failed for a reason the chip doesn't tell.
        transmit_failed_otherwise,
        /// Frames lost in a transmit slot because the card was reset.
        transmit_lost_in_reset,
        /// Transmissions that never ended: the watchdog reset the card.
        transmit_timeouts,
        /// Frames to send that are shorter than a header or longer than Ethernet allows.
        transmit_bad_length,
        /// Frames to send that found both transmit slots in use.
        transmit_slots_busy,
        /// Frames stored with a checksum error.
        receive_crc_errors,
        /// Frames stored with an alignment error.
        receive_alignment_errors,
        /// Frames stored with a FIFO overrun.
        receive_fifo_overruns,
        /// Frames stored although the chip marked them as missed.
        receive_marked_missed,
        /// Frames shorter than 60 or longer than 1518 bytes.
        receive_bad_length,
        /// Ring headers with an impossible status.
        header_bad_status,
        /// Ring headers whose next page is outside of the ring.
        header_next_outside,
        /// Ring headers whose next page contradicts the length.
        header_inconsistent,
        /// Ring headers of a frame that would end beyond the current page.
        header_beyond_current,
        /// The current page was outside of the ring.
        current_page_outside,
        /// Times the ring was abandoned up to the current page.
        resynchronisations,
        /// Times the card wrote over frames not yet taken; each lost several.
        ring_laps,
        /// Among the frames indicated, those that were written over while they were being read: not
        /// delivered.
        frames_overwritten,
        /// Times the card had just filled the whole ring and the reserved page. Nothing is lost
        /// unless it had gone round twice, which looks the same.
        ring_full_turns,
        /// Overwrite warnings recovered from.
        overwrite_recoveries,
        /// Transmissions repeated after an overwrite warning.
        overwrite_resends,
        /// Frames missed, by the tally counter.
        tally_missed,
        /// Frames with a checksum error, by the tally counter.
        tally_crc_errors,
        /// Frames with an alignment error, by the tally counter.
        tally_alignment_errors,
        /// Receive error interrupts.
        receive_error_interrupts,
        /// Transmit error interrupts.
        transmit_error_interrupts,
        /// Tally counter interrupts.
        counter_interrupts,
        /// Passes of the deferred half.
        service_passes,
        /// Passes that left work for another one.
        service_passes_cut_short,
        /// Times causes that can't be cleared were left alone until the next reset.
        stuck_causes,
        /// Remote writes whose completion was never reported.
        remote_dma_timeouts,
        /// Interrupts that were found pending although none had arrived.
        lost_interrupts,
        /// Resets of the card after the start.
        resets,
        /// Times the card read as all ones.
        card_absent,
        /// Interrupts of this card.
        interrupts,
        /// Interrupts on its line while it had none pending.
        interrupts_not_mine,
        /// Interrupts on its line while it was masked.
        interrupts_while_masked,
    }
}

atomic_counters! {
    /// What the interrupt half has seen.
    pub struct InterruptCounters / AtomicInterruptCounters {
        /// Interrupts of this card.
        recognised,
        /// Interrupts on the line while the card had none pending.
        not_mine,
        /// Interrupts on the line while the card was masked.
        while_masked,
    }
}
