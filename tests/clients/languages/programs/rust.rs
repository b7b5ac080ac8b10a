//! What test_languages.py asks of each client: read FILES, init URL SPEC, save URL SPEC FILE, draw SPECS.

#[path = "../../../../clients/rust/initserve.rs"]
#[allow(dead_code)]
mod initserve;

use initserve::{draw, hexadecimal, read_npy, read_safetensors, sha256, Array, Arrays, Client, DType, Error};
use std::{env, fs, process};

fn show(key: &str, array: &Array) {
    let wide = |value: &f64| if array.dtype == DType::Float64 { value.to_le_bytes().to_vec() } else { (*value as f32).to_le_bytes().to_vec() };
    let data: Vec<u8> = array.values().iter().flat_map(wide).collect();
    let sizes: Vec<String> = array.shape.iter().map(usize::to_string).collect();
    let shape = if sizes.is_empty() { "scalar".to_string() } else { sizes.join("x") };
    println!("{key} {} {shape} {}", array.dtype.name(), hexadecimal(&sha256(&data)));
}

fn show_all(arrays: &Arrays) {
    arrays.iter().for_each(|(key, array)| show(key, array));
}

fn run(words: &[String]) -> Result<(), Error> {
    match words[0].as_str() {
        "read" => {
            for path in &words[1..] {
                let file = fs::read(path)?;
                if path.ends_with(".npy") {
                    show("-", &read_npy(&file)?);
                } else {
                    show_all(&read_safetensors(&file)?);
                }
            }
        }
        "init" => show_all(&Client::new(&words[1]).init(&fs::read_to_string(&words[2])?)?),
        "save" => Client::new(&words[1]).save(&fs::read_to_string(&words[2])?, &words[3])?,
        _ => {
            for line in fs::read_to_string(&words[1])?.lines() {
                match draw(line) {
                    Ok(arrays) => show_all(&arrays),
                    Err(Error::Undrawable(why)) => println!("undrawable: {why}"),
                    Err(error) => return Err(error),
                }
                println!();
            }
        }
    }
    Ok(())
}

fn main() {
    if let Err(error) = run(&env::args().skip(1).collect::<Vec<_>>()) {
        eprintln!("{error}");
        process::exit(1);
    }
}
