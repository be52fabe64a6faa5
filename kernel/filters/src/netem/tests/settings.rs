//! Settings as text.

use std::string::{String, ToString};

use executive::Duration;
use proptest::prelude::*;

use crate::Direction;
use crate::netem::{
    DEFAULT_LIMIT, Delay, DirectionSettings, MAXIMUM_HELD, Netem, Probability, Rate, Settings,
    SettingsError,
};

fn probability() -> impl Strategy<Value = Probability> {
    (0..=1_000_000_u32).prop_filter_map("more than all", Probability::from_millionths)
}

fn delay() -> impl Strategy<Value = Delay> {
    let micros = prop_oneof![
        Just(0),
        0..3_600_000_000_u64,
        (0..3_600_000_u64).prop_map(|millis| millis * 1_000),
        (0..=3_600_u64).prop_map(|seconds| seconds * 1_000_000),
    ];
    micros.prop_filter_map("too long", |micros| {
        Delay::new(Duration::from_micros(micros))
    })
}

fn rate() -> impl Strategy<Value = Rate> {
    prop_oneof![
        Just(Rate::UNLIMITED),
        any::<u64>().prop_filter_map("zero", Rate::new),
        (1..1000_u64, 0..6_u32).prop_filter_map("zero", |(number, zeros)| Rate::new(
            number * 10_u64.pow(zeros)
        )),
    ]
}

prop_compose! {
    fn direction_settings()(
        (loss, duplicate, reorder, corrupt) in
            (probability(), probability(), probability(), probability()),
        (delay, jitter) in (delay(), delay()),
        rate in rate(),
        limit in 1..=MAXIMUM_HELD,
    ) -> DirectionSettings {
        let reorder = if delay.is_zero() { Probability::NEVER } else { reorder };
        DirectionSettings { loss, duplicate, reorder, corrupt, delay, jitter, rate, limit }
    }
}

fn settings() -> impl Strategy<Value = Settings> {
    (
        direction_settings(),
        direction_settings(),
        any::<bool>(),
        any::<u64>(),
    )
        .prop_map(|(outbound, inbound, same, seed)| Settings {
            outbound,
            inbound: if same { outbound } else { inbound },
            seed,
        })
}

/// Text made of pieces of words, so that much of it is nearly right.
fn nearly_words() -> impl Strategy<Value = String> {
    const PIECES: [&str; 29] = [
        "loss",
        "duplicate",
        "delay",
        "rate",
        "limit",
        "seed",
        "off",
        "out.",
        "in.",
        "=",
        "=",
        ".",
        "%",
        "ms",
        "us",
        "s",
        "K",
        "M",
        "1",
        "0",
        "42",
        "18446744073709551616",
        "-",
        "+",
        " ",
        ",",
        ";",
        "\u{0}",
        "é",
    ];
    prop::collection::vec(prop::sample::select(PIECES.as_slice()), 0..12)
        .prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn what_is_shown_is_read_back(settings in settings()) {
        let text = settings.to_string();
        prop_assert_eq!(text.parse::<Settings>(), Ok(settings), "{}", text);
    }

    #[test]
    fn the_registry_may_separate_words_with_commas(settings in settings()) {
        let text = settings.to_string().replace(' ', ",");
        prop_assert_eq!(text.parse::<Settings>(), Ok(settings), "{}", text);
    }

    #[test]
    fn any_text_is_settings_or_an_error(text in prop_oneof![any::<String>(), nearly_words()]) {
        if let Ok(settings) = text.parse::<Settings>() {
            prop_assert_eq!(settings.to_string().parse::<Settings>(), Ok(settings));
        }
    }
}

#[test]
fn words_set_both_directions_or_one() {
    let settings: Settings =
        "loss=1% out.delay=10ms in.delay=0.5ms,jitter=2ms;in.rate=1.5M seed=42"
            .parse()
            .expect("settings");
    assert_eq!(settings.outbound.loss.millionths(), 10_000);
    assert_eq!(settings.inbound.loss.millionths(), 10_000);
    assert_eq!(
        settings.outbound.delay.duration(),
        Duration::from_millis(10)
    );
    assert_eq!(
        settings.inbound.delay.duration(),
        Duration::from_micros(500)
    );
    assert_eq!(settings.outbound.rate, Rate::UNLIMITED);
    assert_eq!(Some(settings.inbound.rate), Rate::new(1_500_000));
    assert_eq!(settings.outbound.limit, DEFAULT_LIMIT);
    assert_eq!(
        settings.to_string(),
        "out.loss=1% out.delay=10ms out.jitter=2ms \
         in.loss=1% in.delay=500us in.jitter=2ms in.rate=1500K seed=42"
    );
    assert_eq!(Settings::default().to_string(), "off");
    assert_eq!(
        "loss=1% off limit=7"
            .parse::<Settings>()
            .map(|s| s.to_string()),
        Ok("limit=7".into())
    );
}

#[test]
fn wrong_words_are_told_by_their_place() {
    let error = |text: &str| text.parse::<Settings>().expect_err(text).to_string();
    assert_eq!(error("loss=1% los=2%"), "word 2 is no setting");
    assert_eq!(error("delay"), "word 1 is no setting");
    assert_eq!(error("in.seed=1"), "word 1 is no setting");
    assert_eq!(error("in.out.loss=1%"), "word 1 is no setting");
    assert_eq!(
        error("loss=1"),
        "word 1: expected a percentage such as 0.5%"
    );
    assert_eq!(error("limit=257"), "word 1: expected 1 to 256 packets");
    assert_eq!(
        "in.reorder=1%".parse::<Settings>(),
        Err(SettingsError::ReorderWithoutDelay {
            direction: Direction::In
        })
    );
    for wrong in [
        "loss=100.1%",
        "loss=0.00001%",
        "loss=.5%",
        "loss=1.%",
        "loss=-1%",
        "loss=%",
        "loss=+1%",
        "delay=10",
        "delay=1h",
        "delay=1.5us",
        "delay=ms",
        "delay=3601s",
        "jitter=-1ms",
        "rate=0",
        "rate=K",
        "rate=1.0001K",
        "rate=99999999999G",
        "rate=1T",
        "rate=",
        "limit=0",
        "limit=1.5",
        "limit=+5",
        "limit=",
        "seed=x",
        "seed=",
        "seed=18446744073709551616",
    ] {
        assert!(wrong.parse::<Settings>().is_err(), "{wrong}");
    }
}

#[test]
fn a_wrong_word_changes_nothing() {
    let mut netem = Netem::new();
    netem.set("loss=1% delay=5ms").expect("settings");
    let before = *netem.settings();
    assert!(netem.set("loss=2% seed=9 delay=x").is_err());
    assert!(netem.set("reorder=1% delay=0").is_err());
    assert_eq!(*netem.settings(), before);
    netem.set("loss=2%").expect("settings");
    assert_eq!(netem.settings().to_string(), "loss=2% delay=5ms");
}
