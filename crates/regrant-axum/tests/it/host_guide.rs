//! docs/host-guide.md, which explains the host of `examples/host.rs`.

const PARTS: [&str; 6] = [
    include_str!("../../examples/host.rs"),
    include_str!("../../examples/host/mod.rs"),
    include_str!("../../examples/host/access.rs"),
    include_str!("../../examples/host/authorize.rs"),
    include_str!("../../examples/host/pages.rs"),
    include_str!("../../examples/host/state.rs"),
];

#[test]
fn the_guide_shows_the_code_of_the_example() {
    let guide = include_str!("../../../../docs/host-guide.md");
    let blocks: Vec<&str> = guide.split("```rust\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 5);
    for block in blocks {
        assert!(PARTS.iter().any(|part| part.contains(block)), "the example has no such lines:\n{block}");
    }
}

#[test]
fn the_adapter_takes_at_most_60_lines_of_the_example_and_no_part_more_than_400() {
    let lines = PARTS.map(|part| part.lines().count());
    assert!(lines[0] <= 60 && lines.iter().all(|count| *count <= 400), "{lines:?} lines");
}
