// Package initserve asks an initserve for the initial weights of neural networks: it posts specs, reads the .npy and
// .safetensors files that come back, compares them with their digests, and goes on where a download broke off.
package initserve

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
)

// ErrDamaged is behind every error about bytes that are not those, or not in the form, that they should be.
var ErrDamaged = errors.New("damaged")

// A Problem is what a server refused, and, in Try, what would work.
type Problem struct {
	Type   string          `json:"type"`
	Title  string          `json:"title"`
	Status int             `json:"status"`
	Detail string          `json:"detail"`
	Try    json.RawMessage `json:"try"`
	Errors []struct {
		Pointer string `json:"pointer"`
		Detail  string `json:"detail"`
	} `json:"errors"`
}

func (problem *Problem) Error() string {
	message := problem.Detail
	if message == "" {
		message = problem.Title
	}
	parts := make([]string, len(problem.Errors))
	for i, each := range problem.Errors {
		parts[i] = each.Pointer + ": " + each.Detail
	}
	if len(parts) > 0 {
		message += " (" + strings.Join(parts, "; ") + ")"
	}
	if len(problem.Try) > 0 {
		message += "; try " + string(problem.Try)
	}
	return message
}

// An Array has its bytes as they were sent: little-endian, in C order.
type Array struct {
	DType string // float64, float32, float16 or bfloat16
	Shape []int
	Bytes []byte
}

// Float64s returns the values of an array of any dtype.
func (array *Array) Float64s() []float64 {
	width := widths[array.DType]
	values := make([]float64, len(array.Bytes)/width)
	for i := range values {
		values[i] = array.value(array.Bytes[i*width:])
	}
	return values
}

// Float32s returns the values of an array; those of a float64 one are rounded.
func (array *Array) Float32s() []float32 {
	width := widths[array.DType]
	values := make([]float32, len(array.Bytes)/width)
	for i := range values {
		values[i] = float32(array.value(array.Bytes[i*width:]))
	}
	return values
}

func (array *Array) value(data []byte) float64 {
	switch array.DType {
	case "float64":
		return math.Float64frombits(binary.LittleEndian.Uint64(data))
	case "float32":
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(data)))
	case "bfloat16":
		return float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(data)) << 16))
	}
	return fromFloat16(binary.LittleEndian.Uint16(data))
}

func fromFloat16(bits uint16) float64 {
	exponent, fraction := int(bits>>10&31), float64(bits&0x3ff)
	var size float64
	switch {
	case exponent == 31 && fraction != 0:
		return math.NaN()
	case exponent == 31:
		size = math.Inf(1)
	case exponent == 0:
		size = math.Ldexp(fraction, -24)
	default:
		size = math.Ldexp(1024+fraction, exponent-25)
	}
	if bits>>15 == 1 {
		return math.Copysign(size, -1)
	}
	return size
}

var widths = map[string]int{"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}

func newArray(dtype string, shape []int, data []byte) (*Array, error) {
	length := widths[dtype]
	for _, size := range shape {
		length *= size
	}
	if len(data) != length {
		return nil, fmt.Errorf("%w: %d bytes are no %s of %v", ErrDamaged, len(data), dtype, shape)
	}
	return &Array{dtype, shape, data}, nil
}

var (
	npyTypes  = map[string]string{"<f8": "float64", "<f4": "float32", "<f2": "float16"}
	npyHeader = regexp.MustCompile(`'descr': *'([^']*)', *'fortran_order': *False, *'shape': *\(([0-9, ]*)\)`)
)

// ReadNpy reads a .npy file.
func ReadNpy(file []byte) (*Array, error) {
	if len(file) < 12 || string(file[:6]) != "\x93NUMPY" {
		return nil, fmt.Errorf("%w: this is not a .npy file", ErrDamaged)
	}
	start, length := 10, uint64(binary.LittleEndian.Uint16(file[8:]))
	if file[6] > 1 {
		start, length = 12, uint64(binary.LittleEndian.Uint32(file[8:]))
	}
	if length > uint64(len(file)-start) {
		return nil, fmt.Errorf("%w: the .npy file is cut off", ErrDamaged)
	}
	header, data := string(file[start:start+int(length)]), file[start+int(length):]
	found := npyHeader.FindStringSubmatch(header)
	if found == nil || npyTypes[found[1]] == "" {
		return nil, fmt.Errorf("%w: arrays as %s are not read here", ErrDamaged, strings.TrimSpace(header))
	}
	shape := []int{}
	for _, size := range strings.FieldsFunc(found[2], func(r rune) bool { return r == ',' || r == ' ' }) {
		number, err := strconv.Atoi(size)
		if err != nil {
			return nil, fmt.Errorf("%w: %v", ErrDamaged, err)
		}
		shape = append(shape, number)
	}
	return newArray(npyTypes[found[1]], shape, data)
}

var safetensorsTypes = map[string]string{"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}

// ReadSafetensors reads every array of a .safetensors file, by key.
func ReadSafetensors(file []byte) (map[string]*Array, error) {
	if len(file) < 8 || binary.LittleEndian.Uint64(file) > uint64(len(file)-8) {
		return nil, fmt.Errorf("%w: this is not a whole .safetensors file", ErrDamaged)
	}
	end := 8 + int(binary.LittleEndian.Uint64(file))
	header := map[string]json.RawMessage{}
	if err := json.Unmarshal(file[8:end], &header); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrDamaged, err)
	}
	delete(header, "__metadata__")
	arrays := map[string]*Array{}
	for key, text := range header {
		var entry struct {
			DType   string `json:"dtype"`
			Shape   []int  `json:"shape"`
			Offsets [2]int `json:"data_offsets"`
		}
		if err := json.Unmarshal(text, &entry); err != nil {
			return nil, fmt.Errorf("%w: %s: %v", ErrDamaged, key, err)
		}
		first, last, dtype := entry.Offsets[0], entry.Offsets[1], safetensorsTypes[entry.DType]
		if dtype == "" || first < 0 || last < first || last > len(file)-end {
			return nil, fmt.Errorf("%w: %s is not read here: %s", ErrDamaged, key, text)
		}
		array, err := newArray(dtype, entry.Shape, file[end+first:end+last])
		if err != nil {
			return nil, err
		}
		arrays[key] = array
	}
	return arrays, nil
}

// Keys returns the keys of arrays in order.
func Keys(arrays map[string]*Array) []string {
	keys := make([]string, 0, len(arrays))
	for key := range arrays {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

// A Client asks the server at URL. Its zero values are made good: five attempts, 200 ms before the second.
type Client struct {
	URL      string
	HTTP     *http.Client
	Attempts int
	Delay    time.Duration
	Key      string // an API key, where the server wants one; if empty, that of INITSERVE_KEY
}

// Init posts a spec (anything that encodes to its JSON) to /init and returns every array by its key, each compared
// with its digest.
func (client *Client) Init(ctx context.Context, spec any) (map[string]*Array, error) {
	var answer struct {
		Layout string `json:"layout"`
		Layers []struct {
			Name       string `json:"name"`
			Parameters []struct {
				Name   string `json:"name"`
				Npy    string `json:"npy"`
				SHA256 string `json:"sha256"`
			} `json:"parameters"`
		} `json:"layers"`
	}
	if err := client.post(ctx, "/init", spec, &answer); err != nil {
		return nil, err
	}
	separator := "/"
	if answer.Layout == "pytorch" {
		separator = "."
	}
	arrays := map[string]*Array{}
	for _, layer := range answer.Layers {
		for _, parameter := range layer.Parameters {
			key := strings.TrimSuffix(layer.Name+separator+parameter.Name, separator)
			file, err := base64.StdEncoding.DecodeString(parameter.Npy)
			if err != nil {
				return nil, fmt.Errorf("%w: %s: %v", ErrDamaged, key, err)
			}
			array, err := ReadNpy(file)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
			if digest := sha256.Sum256(array.Bytes); hex.EncodeToString(digest[:]) != parameter.SHA256 {
				return nil, fmt.Errorf("%w: %s has not the bytes of its digest", ErrDamaged, key)
			}
			arrays[key] = array
		}
	}
	return arrays, nil
}

// A Plan is what a spec's weights would be. Links are addresses on the server.
type Plan struct {
	Algorithm string            `json:"algorithm"`
	Seed      string            `json:"seed"`
	Links     map[string]string `json:"links"`
	Totals    struct {
		Parameters int   `json:"parameters"`
		Elements   int64 `json:"elements"`
		Bytes      int64 `json:"bytes"`
	} `json:"totals"`
}

// Plan posts a spec to /plan; nothing is drawn.
func (client *Client) Plan(ctx context.Context, spec any) (*Plan, error) {
	plan := &Plan{}
	return plan, client.post(ctx, "/plan", spec, plan)
}

// Save writes the safetensors file of a spec. It has its name only when it is whole.
func (client *Client) Save(ctx context.Context, spec any, path string) error {
	plan, err := client.Plan(ctx, spec)
	if err != nil {
		return err
	}
	address := plan.Links["safetensors"]
	if address == "" {
		return errors.New("the server has no address for this spec; see its warnings")
	}
	file, err := os.Create(path + ".part")
	if err != nil {
		return err
	}
	err = client.Download(ctx, address, file)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		os.Remove(path + ".part")
		return err
	}
	return os.Rename(path+".part", path)
}

var reprDigest = regexp.MustCompile(`sha-256=:([^:]*):`)

// Download writes what is at an address; where the connection breaks, it goes on from there.
func (client *Client) Download(ctx context.Context, address string, to io.Writer) error {
	digest, wanted, etag := sha256.New(), "", ""
	length, kept := int64(-1), int64(0)
	for failures := 0; length < 0 || kept < length; {
		headers := http.Header{"Want-Repr-Digest": {"sha-256=1"}, "Accept-Encoding": {"identity"}}
		if kept > 0 {
			headers.Set("Range", fmt.Sprintf("bytes=%d-", kept))
			headers.Set("If-Range", etag)
		}
		answer, err := client.ask(ctx, http.MethodGet, address, headers, nil)
		if err != nil {
			return err
		}
		if kept == 0 {
			length, etag = answer.ContentLength, answer.Header.Get("ETag")
		} else if answer.StatusCode != http.StatusPartialContent ||
			!strings.HasPrefix(answer.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", kept)) {
			answer.Body.Close()
			return fmt.Errorf("%w: %s changed while it was being fetched", ErrDamaged, address)
		}
		if found := reprDigest.FindStringSubmatch(answer.Header.Get("Repr-Digest")); found != nil {
			wanted = found[1]
		}
		count, err := io.Copy(io.MultiWriter(to, digest), answer.Body)
		answer.Body.Close()
		kept += count
		if err == nil && length < 0 {
			length = kept
		}
		if failures++; count > 0 {
			failures = 1
		}
		if kept < length {
			if failures >= client.attempts() {
				return fmt.Errorf("%s broke off after %d bytes of %d: %w", address, kept, length, err)
			}
			if err := client.wait(ctx, failures, ""); err != nil {
				return err
			}
		}
	}
	if wanted != "" && wanted != base64.StdEncoding.EncodeToString(digest.Sum(nil)) {
		return fmt.Errorf("%w: %s has not the bytes of its digest", ErrDamaged, address)
	}
	return nil
}

func (client *Client) post(ctx context.Context, route string, spec, answer any) error {
	body, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	response, err := client.ask(ctx, http.MethodPost, route, http.Header{"Content-Type": {"application/json"}}, body)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(answer)
}

// ask returns an answer that is no refusal; it asks again, after a while, where the server is busy or not there.
func (client *Client) ask(ctx context.Context, method, address string, headers http.Header, body []byte) (*http.Response, error) {
	for attempt := 1; ; attempt++ {
		request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(client.URL, "/")+address, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		request.Header = headers
		key := client.Key
		if key == "" {
			key = os.Getenv("INITSERVE_KEY")
		}
		if key != "" {
			request.Header.Set("Authorization", "Bearer "+key)
		}
		response, err := client.http().Do(request)
		if err == nil && response.StatusCode < 300 {
			return response, nil
		}
		after := ""
		if err == nil {
			after = response.Header.Get("Retry-After")
			err = problemOf(response)
		}
		var problem *Problem
		if attempt >= client.attempts() || errors.As(err, &problem) && !passing(problem.Status) {
			return nil, err
		}
		if err := client.wait(ctx, attempt, after); err != nil {
			return nil, err
		}
	}
}

func passing(status int) bool { return status == 429 || 502 <= status && status <= 504 }

func problemOf(response *http.Response) error {
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	problem := &Problem{}
	if json.Unmarshal(text, problem) != nil {
		problem.Title = response.Status
	}
	problem.Status = response.StatusCode
	return problem
}

func (client *Client) wait(ctx context.Context, attempt int, after string) error {
	delay := client.Delay
	if delay == 0 {
		delay = 200 * time.Millisecond
	}
	delay <<= attempt - 1
	if seconds, err := strconv.Atoi(after); err == nil {
		delay = time.Duration(seconds) * time.Second
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(delay):
		return nil
	}
}

func (client *Client) attempts() int {
	if client.Attempts > 0 {
		return client.Attempts
	}
	return 5
}

func (client *Client) http() *http.Client {
	if client.HTTP != nil {
		return client.HTTP
	}
	return http.DefaultClient
}
