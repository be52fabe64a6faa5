//! The fuzz targets over their corpus and seeded mutations of it. libFuzzer, guided by coverage, finds more (`tests/fuzz`); this shows in
//! every run of the tests that the targets work and that what was found stays mended.

use std::fs;
use std::path::Path;

use tests::random::Random;
use tests::script;

/// Most bytes of a mutated input.
const LONGEST: usize = 600;

/// Runs `target` over the files of its corpus and over `mutations` of them.
fn run(name: &str, target: fn(&[u8]), mutations: u64) {
    let corpus = corpus(name);
    assert!(!corpus.is_empty(), "there is a corpus of {name}");
    for input in &corpus {
        shown(target, input);
    }
    for seed in 0..mutations {
        shown(target, &mutated(&corpus, &mut Random::new(seed)));
    }
}

/// The inputs of a corpus, in the order of their names.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(script::workspace())
        .join("tests/fuzz/corpus")
        .join(name);
    let files = fs::read_dir(&folder).expect("the corpus is there");
    let mut paths: Vec<_> = files
        .map(|file| file.expect("it can be read").path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| fs::read(path).expect("it can be read"))
        .collect()
}

/// Runs one input, which is shown if that fails.
fn shown(target: fn(&[u8]), input: &[u8]) {
    struct Shown<'i>(&'i [u8]);
    impl Drop for Shown<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("the input was {:?}", self.0);
            }
        }
    }
    let _shown = Shown(input);
    target(input);
}

/// A few changes of one of the inputs.
fn mutated(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(8) {
        mutate(&mut bytes, corpus, random);
    }
    bytes.truncate(LONGEST);
    bytes
}

fn mutate(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
    let place = random.below(bytes.len() + 1);
    let end = place + random.below(bytes.len() - place + 1);
    let value = random.next_u64() as u8;
    match random.below(6) {
        0 => bytes.insert(place, value),
        1 => {
            bytes.drain(place..end.min(place + 16));
        }
        2 => {
            let copied = bytes[place..end].to_vec();
            bytes.extend(copied);
        }
        3 => {
            let other = &corpus[random.below(corpus.len())];
            bytes.truncate(place);
            bytes.extend(&other[random.below(other.len() + 1)..]);
        }
        change => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte = if change == 4 {
                    value
                } else {
                    *byte ^ 1 << (value % 8)
                };
            }
        }
    }
}

#[test]
fn the_drivers_receive_path_survives_its_corpus_and_mutations_of_it() {
    run("receive", ne2000::model::run_script, 3000);
}

#[test]
fn the_ndis_wrapper_survives_its_corpus_and_mutations_of_it() {
    run("wrapper", ndis::simulation::run_script, 1500);
}
