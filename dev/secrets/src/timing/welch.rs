/// Means and variances of two classes, added one by one (Welford).
#[derive(Clone, Default)]
pub(super) struct Welch([Sums; 2]);

#[derive(Clone, Default)]
struct Sums {
    count: u64,
    mean: f64,
    squares: f64,
}

#[expect(clippy::cast_precision_loss, reason = "times of less than a day, and fewer than 2^53 of them")]
impl Welch {
    pub(super) fn add(&mut self, class: usize, time: u64) {
        let sums = &mut self.0[class];
        sums.count += 1;
        let distance = time as f64 - sums.mean;
        sums.mean += distance / sums.count as f64;
        sums.squares += distance * (time as f64 - sums.mean);
    }

    pub(super) const fn count(&self, class: usize) -> u64 {
        self.0[class].count
    }

    /// The mean of the second class minus that of the first one.
    pub(super) fn difference(&self) -> f64 {
        self.0[1].mean - self.0[0].mean
    }

    /// Welch's t. Zero without two times of each class, or without any variance.
    pub(super) fn t(&self) -> f64 {
        if self.0.iter().any(|sums| sums.count < 2) {
            return 0.0;
        }
        let of_mean = |sums: &Sums| sums.squares / (sums.count - 1) as f64 / sums.count as f64;
        let variance: f64 = self.0.iter().map(of_mean).sum();
        if variance > 0.0 { self.difference() / variance.sqrt() } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Worked by hand: means 2 and 5, variances 1 and 1, three times each.
    #[test]
    fn t_is_that_of_the_formula() {
        let mut welch = Welch::default();
        for (class, time) in [(0, 1), (0, 2), (0, 3), (1, 4), (1, 5), (1, 6)] {
            welch.add(class, time);
        }
        assert!((welch.difference() - 3.0).abs() < 1e-12);
        assert!((welch.t() - 3.0 / (2.0_f64 / 3.0).sqrt()).abs() < 1e-12);
    }
}
