//! A shuffled order of the grants, as requests of many clients come in.

use std::sync::Arc;

/// A walk through all grants in one shuffled order, again and again. Clones begin anew.
pub struct Order {
    shuffled: Arc<[u32]>,
    next: usize,
}

impl Order {
    /// The walk through `grants` grants. The order is the same in every run.
    #[must_use]
    pub fn over(grants: usize) -> Self {
        let mut shuffled: Vec<u32> = (0..u32::try_from(grants).expect("fewer grants")).collect();
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for last in (1..grants).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let place = ((u128::from(random) * (last as u128 + 1)) >> 64) as usize;
            shuffled.swap(last, place);
        }
        Self { shuffled: shuffled.into(), next: 0 }
    }

    /// Returns the next places, at most `batch`, none of them twice.
    pub fn next(&mut self, batch: usize) -> Vec<usize> {
        let end = (self.next + batch).min(self.shuffled.len());
        let places = self.shuffled[self.next..end].iter().map(|place| *place as usize).collect();
        self.next = if end == self.shuffled.len() { 0 } else { end };
        places
    }

    /// The number of grants.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shuffled.len()
    }

    /// True without grants.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shuffled.is_empty()
    }
}

impl Clone for Order {
    fn clone(&self) -> Self {
        Self { shuffled: Arc::clone(&self.shuffled), next: 0 }
    }
}
