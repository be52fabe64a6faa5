//! Counters that a console can list by name.

/// Declares a plain struct of `u64` counters with an iterator over
/// `(name, value)` in the order of the fields.
///
/// ```
/// executive::counters! {
///     /// What the layer has seen.
///     pub struct LayerCounters {
///         /// Frames taken in.
///         received,
///         /// Frames dropped because they were too short.
///         dropped_too_short,
///     }
/// }
/// let mut counters = LayerCounters::default();
/// counters.received += 1;
/// let listed: Vec<_> = counters.iter().collect();
/// assert_eq!(listed, [("received", 1), ("dropped_too_short", 0)]);
/// ```
#[macro_export]
macro_rules! counters {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident {
            $($(#[$field_attribute:meta])* $field:ident),* $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        $visibility struct $name {
            $($(#[$field_attribute])* pub $field: u64,)*
        }

        impl $name {
            /// Every counter's name and value, in the order of declaration.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
                [$((stringify!($field), self.$field)),*].into_iter()
            }
        }
    };
}

/// Declares counters that are counted through a shared reference at any IRQL,
/// and the plain struct of [`counters!`](crate::counters!) that `snapshot`
/// gives.
///
/// ```
/// use core::sync::atomic::Ordering;
///
/// executive::atomic_counters! {
///     /// What the queue has seen.
///     pub struct QueueCounters / AtomicQueueCounters {
///         /// Entries put in.
///         inserted,
///     }
/// }
/// let counters = AtomicQueueCounters::default();
/// counters.inserted.fetch_add(1, Ordering::Relaxed);
/// assert_eq!(counters.snapshot(), QueueCounters { inserted: 1 });
/// ```
#[macro_export]
macro_rules! atomic_counters {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $name:ident / $atomic:ident {
            $($(#[$field_attribute:meta])* $field:ident),* $(,)?
        }
    ) => {
        $crate::counters! {
            $(#[$attribute])*
            $visibility struct $name {
                $($(#[$field_attribute])* $field,)*
            }
        }

        #[doc = concat!("The counting side of [`", stringify!($name), "`].")]
        #[derive(Debug, Default)]
        $visibility struct $atomic {
            $($(#[$field_attribute])* pub $field: ::core::sync::atomic::AtomicU64,)*
        }

        impl $atomic {
            /// The values now, each read on its own.
            pub fn snapshot(&self) -> $name {
                $name {
                    $($field: self.$field.load(::core::sync::atomic::Ordering::Relaxed),)*
                }
            }
        }
    };
}
