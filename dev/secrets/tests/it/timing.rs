//! The questions of the timing report can be asked. Their times are not asserted: that would depend on the machine.

#[test]
fn every_question_of_the_timing_report_can_be_asked() {
    for result in secrets::timing::rehearse() {
        assert!(result.counts.iter().all(|count| *count > 0) && result.t.is_finite(), "{}", result.name);
    }
}
