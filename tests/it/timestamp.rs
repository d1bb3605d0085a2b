//! Timestamps are written and read as the `time` crate does it.

use proptest::prelude::*;
use regrant::clock::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const YEAR_0: i64 = -62_167_219_200_000;
const YEAR_10000: i64 = 253_402_300_800_000;

fn parsed(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millis)
}

fn expected(text: &str) -> Option<i64> {
    let date = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(date.unix_timestamp_nanos().div_euclid(1_000_000)).ok()
}

#[test]
fn moments_at_the_edges_of_the_calendar_are_written_and_read() {
    for (millis, text) in [
        (0, "1970-01-01T00:00:00Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (1_709_164_800_500, "2024-02-29T00:00:00.5Z"),
        (1_709_251_200_010, "2024-03-01T00:00:00.01Z"),
        (YEAR_0, "0000-01-01T00:00:00Z"),
        (YEAR_10000 - 1, "9999-12-31T23:59:59.999Z"),
    ] {
        assert_eq!(Timestamp::from_millis(millis).to_string(), text);
        assert_eq!(parsed(text), Some(millis), "{text}");
    }
    for millis in [YEAR_0 - 1, YEAR_10000, i64::MIN, i64::MAX] {
        assert_eq!(Timestamp::from_millis(millis).to_string(), format!("{millis} ms"));
    }
}

#[test]
fn a_moment_is_read_or_refused_as_the_time_crate_does() {
    for (text, millis) in [
        ("1970-01-01t00:00:00z", Some(0)),
        ("1970-01-01 00:00:00.0009999999999Z", Some(0)),
        ("1970-01-01T01:00:00.25+01:00", Some(250)),
        ("1969-12-31T23:00:00-01:00", Some(0)),
        ("0000-01-01T00:00:00+23:59", Some(YEAR_0 - 86_340_000)),
        ("2016-12-31T23:59:60Z", Some(1_483_228_799_999)),
        ("2017-01-01T00:59:60.5+01:00", Some(1_483_228_799_999)),
        ("2016-12-30T23:59:60Z", None),
        ("2016-12-31T23:58:60Z", None),
        ("2016-12-31T23:59:61Z", None),
        ("2024-02-29T00:00:00Z", Some(1_709_164_800_000)),
        ("2023-02-29T00:00:00Z", None),
        ("1900-02-29T00:00:00Z", None),
        ("2000-02-29T00:00:00Z", Some(951_782_400_000)),
        ("2023-04-31T00:00:00Z", None),
        ("2023-00-01T00:00:00Z", None),
        ("2023-13-01T00:00:00Z", None),
        ("2023-01-00T00:00:00Z", None),
        ("2023-01-01T24:00:00Z", None),
        ("2023-01-01T00:60:00Z", None),
        ("2023-01-01T00:00:00+24:00", None),
        ("2023-01-01T00:00:00+00:60", None),
        ("2023-01-01T00:00:00.Z", None),
        ("2023-01-01T00:00:00", None),
        ("2023-01-01T00:00:00ZZ", None),
        ("2023-01-01", None),
        ("+2023-01-01T00:00:00Z", None),
        ("23-01-01T00:00:00Z", None),
        ("", None),
    ] {
        assert_eq!(parsed(text), millis, "{text}");
        assert_eq!(expected(text), millis, "{text}");
    }
}

proptest! {
    #[test]
    fn every_moment_is_written_as_the_time_crate_does_and_read_again(millis in YEAR_0..YEAR_10000) {
        let text = Timestamp::from_millis(millis).to_string();
        let date = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).unwrap();
        prop_assert_eq!(&text, &date.format(&Rfc3339).unwrap());
        prop_assert_eq!(parsed(&text), Some(millis));
    }

    #[test]
    fn every_text_is_read_or_refused_as_the_time_crate_does(
        text in "[0-9]{4}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,10})?([Zz]|[+-][0-2][0-9]:[0-6][0-9])",
    ) {
        prop_assert_eq!(parsed(&text), expected(&text));
    }
}
