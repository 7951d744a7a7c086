//! `demo`: the first thing that a new user sees.

use std::fs;

use serde_json::Value;

use crate::support::{path_text, rntuple, rntuple_on};

#[test]
fn demo_draws_what_it_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("new/folder");
    let text = rntuple(["demo", &path_text(&inside)]).fine();
    let file = path_text(&inside.join("demo.root"));
    assert!(text.starts_with("Made 100,000 collisions"), "{text}");
    assert!(text.contains(&file), "{text}");
    assert!(text.lines().all(|line| line.trim_end() == line), "{text}");

    // The Z boson is where it should be, and stands out.
    let peak = text.lines().find(|line| line.contains("the Z boson")).unwrap_or_else(|| panic!("{text}"));
    let numbers: Vec<f64> = peak
        .split_whitespace()
        .filter_map(|word| word.trim_matches([',', '.', ':']).replace(',', "").parse().ok())
        .collect();
    let [pairs, 80.0, 102.0, median] = numbers[..] else { panic!("{peak}") };
    assert!((90.5..92.0).contains(&median) && pairs > 5000.0, "{peak}");
    let names = text.lines().find(|line| line.contains("J/ψ")).unwrap();
    assert!(names.contains('Υ') && names.ends_with('Z'), "{names}");
    let drawing: Vec<&str> = text.lines().skip_while(|line| !line.contains("J/ψ")).collect();
    let column = names.chars().count() - 1;
    assert_eq!(drawing[2].chars().nth(column), Some('█'), "{text}");

    // What `stat` says stands below, and below that what to do next, which works.
    let stat = rntuple(["stat", &file]).fine();
    assert!(text.contains(&stat), "{text}");
    let next: Vec<&str> = text.lines().skip_while(|line| *line != "Try next:").skip(1).collect();
    assert!(next.len() >= 4, "{text}");
    for line in next.iter().filter_map(|line| line.strip_prefix("  rntuple ")) {
        let small = path_text(&inside.join("small.root"));
        let words = line.split_whitespace().map(|word| word.trim_matches('\''));
        let words = words.map(|word| if word == "small.root" { small.clone() } else { word.to_owned() });
        assert!(!rntuple(words).fine().is_empty(), "{line}");
    }

    let listed: Value = serde_json::from_str(&rntuple(["ls", "--json", &file]).fine()).unwrap();
    assert_eq!((&listed[0]["path"], &listed[0]["entries"]), (&"Events".into(), &100_000.into()));
    rntuple(["verify", &file]).fine();
}

#[test]
fn demo_is_always_the_same_and_replaces_only_itself() {
    let folder = tempfile::tempdir().unwrap();
    let there = path_text(folder.path());
    let file = folder.path().join("demo.root");
    rntuple(["demo", &there]).fine();
    let first = fs::read(&file).unwrap();
    let text = rntuple_on(rntuple_converters::Terminal::none().with_width(100), ["demo", &there]).fine();
    assert_eq!(fs::read(&file).unwrap(), first);
    assert!(text.lines().skip(2).take(17).all(|line| line.chars().count() <= 100), "{text}");

    fs::write(&file, b"precious").unwrap();
    let message = rntuple(["demo", &there]).failed(1);
    assert!(message.contains("no demo file"), "{message}");
    assert_eq!(fs::read(&file).unwrap(), b"precious");
    // A folder that cannot be one.
    let message = rntuple(["demo", &path_text(&file)]).failed(1);
    assert!(message.contains("demo.root"), "{message}");
}
