//! RFC 3339 in the Gregorian calendar, from year 0 to year 9999.
//!
//! Time zones, names of months and locales are not needed, so a dependency would cost more than these functions.

const DAY: i64 = 24 * 60 * MINUTE;
const MINUTE: i64 = 60_000;

/// Returns UTC text with no more digits after the second than needed; `None` outside the years 0 to 9999.
pub(super) fn format(millis: i64) -> Option<String> {
    let (year, month, day) = date(millis.div_euclid(DAY));
    if !(0..=9999).contains(&year) {
        return None;
    }
    let of_day = millis.rem_euclid(DAY);
    let (hour, minute, second) = (of_day / 60 / MINUTE, of_day / MINUTE % 60, of_day / 1000 % 60);
    let fraction = match of_day % 1000 {
        0 => String::new(),
        millis => format!(".{millis:03}").trim_end_matches('0').to_owned(),
    };
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z"))
}

/// Returns milliseconds since the Unix epoch; smaller fractions are cut off. `None` for malformed text, and for a date
/// or time that does not exist.
///
/// Any character may separate date and time: RFC 3339 section 5.6 names the space as an example.
pub(super) fn parse(text: &str) -> Option<i64> {
    let rest = &mut text.as_bytes();
    let (year, month, day) = (digits(rest, 4)?, digits_after(b"-", rest)?, digits_after(b"-", rest)?);
    rest.split_off_first()?;
    let (hour, minute, second) = (digits(rest, 2)?, digits_after(b":", rest)?, digits_after(b":", rest)?);
    let (fraction, offset) = (fraction(rest)?, offset(rest)?);
    let days = days(year, month, day);
    // The day that a month does not have is a day of the next.
    if !rest.is_empty() || date(days) != (year, month, day) || hour > 23 || minute > 59 {
        return None;
    }
    let minute = days * DAY + (hour * 60 + minute - offset) * MINUTE;
    match second {
        0..60 => Some(minute + second * 1000 + fraction),
        60 => leap_second(minute),
        _ => None,
    }
}

/// Returns the millisecond before a leap second, which only the end of a month can have (RFC 3339 section 5.7). Unix
/// time has no number for a leap second; the millisecond before keeps the order of events.
fn leap_second(minute: i64) -> Option<i64> {
    let end = minute + MINUTE;
    let (_, _, day) = date(end.div_euclid(DAY));
    (end.rem_euclid(DAY) == 0 && day == 1).then_some(end - 1)
}

/// Reads the fraction of a second in milliseconds. 0 if there is none; `None` for a point without a digit.
fn fraction(rest: &mut &[u8]) -> Option<i64> {
    if !rest.starts_with(b".") {
        return Some(0);
    }
    rest.split_off_first()?;
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let fraction = rest.split_off(..length)?;
    let (millis, unit) = fraction.iter().fold((0, 1000), |(millis, unit), digit| {
        let unit = unit / 10;
        (millis + i64::from(digit - b'0') * unit, unit)
    });
    (unit < 1000).then_some(millis)
}

/// Returns the minutes by which the local time is ahead of UTC.
fn offset(rest: &mut &[u8]) -> Option<i64> {
    let sign = match rest.split_off_first()? {
        b'Z' | b'z' => return Some(0),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hour, minute) = (digits(rest, 2)?, digits_after(b":", rest)?);
    (hour <= 23 && minute <= 59).then_some(sign * (hour * 60 + minute))
}

/// Reads two digits behind a separator.
fn digits_after(literal: &[u8], rest: &mut &[u8]) -> Option<i64> {
    *rest = rest.strip_prefix(literal)?;
    digits(rest, 2)
}

/// Reads exactly `count` ASCII digits. A sign or a space is not a digit, unlike in `str::parse`.
fn digits(rest: &mut &[u8], count: usize) -> Option<i64> {
    let digits = rest.split_off(..count)?;
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
}

// Both conversions count years from March: a leap day is then the last day of its year, and the months before any
// month have the same length each year. 400 years have 146 097 days.

const DAYS_BEFORE_EPOCH: i64 = 719_468;

/// Returns the days since the Unix epoch. A day that the month does not have is counted into the next month.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let months = year * 12 + month - 3;
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12));
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + days_before(month) + day - 1 - DAYS_BEFORE_EPOCH
}

/// Returns year, month and day. Inverts `days`, also for negative numbers.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + DAYS_BEFORE_EPOCH;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    // Without its leap days an era has 400 years of 365 days; the last one falls on the last day of the era.
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (year * 365 + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let months = (era * 400 + year) * 12 + month + 2;
    (months.div_euclid(12), months.rem_euclid(12) + 1, of_year - days_before(month) + 1)
}

/// Returns the days from 1 March to the month with this number, March being 0: five months have 153 days.
const fn days_before(month: i64) -> i64 {
    (153 * month + 2) / 5
}
