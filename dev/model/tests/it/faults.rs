//! The properties find the defects of the model.

use model::config::Config;
use model::explore::explore;
use model::fault::Fault;
use model::rules::Rules;
use model::words::story;

#[test]
fn each_defect_is_found_by_a_property() {
    for fault in Fault::ALL {
        let found = Config::all().into_iter().find_map(|config| {
            let config = Config { rules: Rules { fault: Some(fault), ..config.rules }, ..config };
            let report = explore(&config);
            report.failure.map(|failure| (config, failure, report.states))
        });
        let Some((config, failure, states)) = found else {
            println!("{fault:?}: NOT FOUND");
            continue;
        };
        println!(
            "{fault:?}: {:?} in {:?}, {states} states\n{}",
            failure.property,
            config.name,
            story(&config, &failure.trace)
        );
    }
}
