//! The fuzz targets on a stable toolchain: over their corpus, and over mutations of it that are the same in every run.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test fails by panicking, and says which input it was")]

use std::{fs, path::Path};

#[path = "../fuzz/src/lib.rs"]
pub mod targets;

const MUTATIONS_OF_A_TARGET: u64 = 100_000;
const SEED: u64 = 0x68_61_67_67_6c_65;

/// xorshift64*: enough for mutations, the same on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `end`; 0 when `end` is.
    fn below(&mut self, end: usize) -> usize {
        (self.next() >> 1) as usize % end.max(1)
    }
}

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut seeds: Vec<_> = files
        .map(|file| {
            let path = file.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap())
        })
        .collect();
    // The order of a folder differs between machines.
    seeds.sort();
    assert!(!seeds.is_empty(), "{} is empty", folder.display());
    seeds
}

fn mutate(input: &mut Vec<u8>, seeds: &[(String, Vec<u8>)], random: &mut Random) {
    let at = random.below(input.len());
    let span = at..(at + random.below(9)).min(input.len());
    match random.below(8) {
        _ if input.is_empty() => input.push(random.next() as u8),
        0 => input[at] ^= 1 << random.below(8),
        1 => input[at] = random.next() as u8,
        2 => input.insert(at, random.next() as u8),
        3 => drop(input.drain(span)),
        4 => input.truncate(at),
        5 => {
            let copy = input[span].to_vec();
            input.splice(at..at, copy);
        }
        // The end of another seed: the one way in which structure grows.
        6 => {
            let other = &seeds[random.below(seeds.len())].1;
            input.truncate(at);
            input.extend(&other[random.below(other.len())..]);
        }
        // Where decoders have their borders.
        _ => input[at] = [0, 1, 0x7f, 0x80, 0xfe, 0xff, b'"', b'\\', b'{', b'['][random.below(10)],
    }
}

/// Says which input it was, should a target panic; the panic's own message has the rest.
struct OnPanic<'a>(&'a str, &'a str, &'a [u8]);

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self(target, origin, input) = self;
            println!("{target}, from {origin}: {}", input.escape_ascii());
        }
    }
}

fn run((name, target): targets::Target) {
    println!("{name}: seed {SEED:#x}");
    let seeds = corpus(name);
    for (file, seed) in &seeds {
        let _origin = OnPanic(name, file, seed);
        target(seed);
    }
    let mut random = Random(SEED);
    for _ in 0..MUTATIONS_OF_A_TARGET {
        let (file, seed) = &seeds[random.below(seeds.len())];
        let mut input = seed.clone();
        for _ in 0..=random.below(6) {
            mutate(&mut input, &seeds, &mut random);
        }
        let _origin = OnPanic(name, file, &input);
        target(&input);
    }
}

#[test]
fn every_target_keeps_its_promises() {
    targets::TARGETS.into_iter().for_each(run);
}

#[test]
fn every_target_has_its_binary_and_every_folder_its_target() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).unwrap();
    for (name, _) in targets::TARGETS {
        assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "no binary for {name}");
        let binary = fs::read_to_string(fuzz.join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(binary.contains(&format!("haggle_fuzz::{name}(data)")), "the binary of {name} runs another target");
    }
    let workflow = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/workflows/ci.yml");
    let workflow = fs::read_to_string(workflow).unwrap();
    let matrix = workflow.lines().find_map(|line| line.trim().strip_prefix("target: [")?.strip_suffix(']')).unwrap();
    let mut fuzzed: Vec<_> = matrix.split(", ").collect();
    let mut targets: Vec<_> = targets::TARGETS.iter().map(|(name, _)| *name).collect();
    fuzzed.sort_unstable();
    targets.sort_unstable();
    assert_eq!(fuzzed, targets, "the targets that the workflow runs");
    for folder in fs::read_dir(fuzz.join("corpus")).unwrap() {
        let folder = folder.unwrap().file_name();
        assert!(targets::TARGETS.iter().any(|(name, _)| **name == folder), "no target for {folder:?}");
    }
}
