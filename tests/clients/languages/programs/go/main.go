// What test_languages.py asks of each client: read FILES, init URL SPEC, save URL SPEC FILE.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"initserve"
)

func show(key string, array *initserve.Array) {
	var data bytes.Buffer
	var values any = array.Float32s()
	if array.DType == "float64" {
		values = array.Float64s()
	}
	binary.Write(&data, binary.LittleEndian, values)
	shape := strings.Trim(strings.ReplaceAll(fmt.Sprint(array.Shape), " ", "x"), "[]")
	if shape == "" {
		shape = "scalar"
	}
	fmt.Printf("%s %s %s %x\n", key, array.DType, shape, sha256.Sum256(data.Bytes()))
}

func showAll(arrays map[string]*initserve.Array) {
	for _, key := range initserve.Keys(arrays) {
		show(key, arrays[key])
	}
}

func read(path string) error {
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if strings.HasSuffix(path, ".npy") {
		array, err := initserve.ReadNpy(file)
		if err == nil {
			show("-", array)
		}
		return err
	}
	arrays, err := initserve.ReadSafetensors(file)
	showAll(arrays)
	return err
}

func run(command string, rest []string) error {
	if command == "read" {
		for _, path := range rest {
			if err := read(path); err != nil {
				return err
			}
		}
		return nil
	}
	spec, err := os.ReadFile(rest[1])
	if err != nil {
		return err
	}
	client := &initserve.Client{URL: rest[0]}
	if command == "save" {
		return client.Save(context.Background(), json.RawMessage(spec), rest[2])
	}
	arrays, err := client.Init(context.Background(), json.RawMessage(spec))
	showAll(arrays)
	return err
}

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
