//! The test of dudect (Reparaz, Balasch, Verbauwhede: "Dude, is my code constant time?"): does the time of an answer
//! depend on a fact that the answer itself does not show?
//!
//! Inputs of two classes are drawn at random and interleaved. Welch's t compares the two sets of times: over all times,
//! and over those below each of 100 percentiles, since interrupts hide small differences in the long tail. With
//! millions of times |t| above 5 means a difference, however small; the report also says how many nanoseconds.

mod questions;
mod welch;

use std::time::{Duration, Instant};

use fixtures::Seeded;
use regrant::Entropy as _;

use questions::Question;
use welch::Welch;

/// The most times that choose the percentiles. They are not tested.
const CALIBRATION: usize = 10_000;
/// The number of percentiles.
const CROPS: usize = 100;
/// Percentiles with fewer times of a class are left out of the maximum.
const ENOUGH: u64 = 2_000;

/// The times of one question.
pub struct Result {
    pub name: &'static str,
    /// The number of times of each class.
    pub counts: [u64; 2],
    /// The largest |t| of all percentiles.
    pub t: f64,
    /// The difference of the means at that percentile, in nanoseconds.
    pub difference: f64,
    /// The part of all times at that percentile.
    pub kept: f64,
    /// The medians of both classes, in nanoseconds.
    pub medians: [u64; 2],
}

/// Measures each question for an equal part of `time` and prints the results.
pub fn report(time: Duration) {
    let questions = questions::all();
    let part = time / u32::try_from(questions.len()).expect("few questions");
    println!(
        "{:64} {:>9} {:>9} {:>8} {:>9} {:>5} {:>8} {:>8}",
        "", "n first", "n second", "|t|", "diff ns", "kept", "median", "median"
    );
    for mut question in questions {
        let Result { name, counts, t, difference, kept, medians } = measure(&mut question, part, CALIBRATION);
        let ([first, second], [left, right], kept) = (counts, medians, kept * 100.0);
        println!("{name:64} {first:9} {second:9} {t:8.2} {difference:9.2} {kept:4.0}% {left:8} {right:8}");
    }
}

/// Asks each question a few times, to see that the questions can be asked.
pub fn rehearse() -> Vec<Result> {
    questions::all().iter_mut().map(|question| measure(question, Duration::from_millis(20), 50)).collect()
}

/// Returns the nanoseconds that `work` takes.
#[expect(clippy::disallowed_methods, reason = "the time is what is measured")]
fn timed(work: impl FnOnce()) -> u64 {
    let began = Instant::now();
    work();
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

#[expect(clippy::disallowed_methods, reason = "each question has its part of the time")]
fn measure(question: &mut Question, time: Duration, calibration: usize) -> Result {
    let (began, random) = (Instant::now(), Seeded::new(1));
    let draw = || {
        let mut bytes = [0; 8];
        random.fill(&mut bytes);
        u64::from_be_bytes(bytes)
    };
    let mut ask = || {
        let drawn = draw();
        let class = usize::from(drawn & 1 == 1);
        (class, (question.ask)(class, usize::try_from(drawn >> 8).unwrap_or_default()))
    };
    let mut first = Vec::new();
    while first.len() < calibration && (first.len() < 50 || began.elapsed() < time / 10) {
        first.push(ask().1);
    }
    first.sort_unstable();
    let limits: Vec<u64> = (0..CROPS).map(|index| first[percentile(index, first.len())]).collect();
    let (mut tests, mut all) = (vec![Welch::default(); CROPS], Welch::default());
    let mut times = [Vec::new(), Vec::new()];
    while began.elapsed() < time || times.iter().any(Vec::is_empty) {
        for _ in 0..100 {
            let (class, time) = ask();
            all.add(class, time);
            tests
                .iter_mut()
                .zip(&limits)
                .filter(|(_, limit)| time < **limit)
                .for_each(|(test, _)| test.add(class, time));
            if times[class].len() < 1_000_000 {
                times[class].push(time);
            }
        }
    }
    let total = all.count(0) + all.count(1);
    let enough = tests.into_iter().filter(|test| test.count(0).min(test.count(1)) >= ENOUGH);
    let largest = enough.chain([all.clone()]).max_by(|left, right| left.t().abs().total_cmp(&right.t().abs()));
    let largest = largest.expect("at least all times");
    #[expect(clippy::cast_precision_loss, reason = "a part of a count")]
    let kept = (largest.count(0) + largest.count(1)) as f64 / total as f64;
    let medians = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    let counts = [all.count(0), all.count(1)];
    Result { name: question.name, counts, t: largest.t().abs(), difference: largest.difference(), kept, medians }
}

/// The percentiles of dudect are dense near the end: 1 - 2^(-10 (i + 1) / 100).
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an index below the length"
)]
fn percentile(index: usize, length: usize) -> usize {
    let part = 1.0 - 0.5_f64.powf(10.0 * (index + 1) as f64 / CROPS as f64);
    ((part * length as f64) as usize).min(length - 1)
}
