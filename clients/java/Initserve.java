import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A client of initserve: asks a server for the initial weights of neural networks, reads the .npy and .safetensors files
 * that come back, compares them with their digests, and goes on where a download broke off. Java 17 and later.
 */
public final class Initserve {
    /** What a server refused; the message has the problem's detail and its {@code try}. */
    public static final class Problem extends IOException {
        private static final long serialVersionUID = 1;
        public final int status;

        Problem(int status, String message) {
            super(message);
            this.status = status;
        }
    }

    /** Bytes that are not those, or not in the form, that they should be. */
    public static final class Damaged extends IOException {
        private static final long serialVersionUID = 1;

        Damaged(String message) {
            super(message);
        }
    }

    /** An array in C order; its bytes are as they are sent, little-endian. */
    public record Array(String dtype, long[] shape, byte[] bytes) {
        private static final Map<String, Integer> WIDTHS = Map.of("float64", 8, "float32", 4, "float16", 2, "bfloat16", 2);

        static Array of(String dtype, long[] shape, byte[] bytes) throws Damaged {
            double length = WIDTHS.get(dtype);
            for (long size : shape) length *= size;
            if (length != bytes.length) throw new Damaged(bytes.length + " bytes are no " + dtype + " of " + Arrays.toString(shape));
            return new Array(dtype, shape, bytes);
        }

        /** The values of an array of any dtype. */
        public double[] toDoubles() {
            ByteBuffer buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            double[] values = new double[bytes.length / WIDTHS.get(dtype)];
            for (int i = 0; i < values.length; i++) values[i] = next(buffer);
            return values;
        }

        /** The values; those of a float64 array are rounded. */
        public float[] toFloats() {
            double[] values = toDoubles();
            float[] found = new float[values.length];
            for (int i = 0; i < values.length; i++) found[i] = (float) values[i];
            return found;
        }

        private double next(ByteBuffer buffer) {
            return switch (dtype) {
                case "float64" -> buffer.getDouble();
                case "float32" -> buffer.getFloat();
                case "bfloat16" -> Float.intBitsToFloat(buffer.getShort() << 16);
                default -> half(buffer.getShort() & 0xFFFF);
            };
        }

        private static double half(int bits) {
            int exponent = bits >> 10 & 31;
            int fraction = bits & 0x3FF;
            double size = exponent == 0 ? Math.scalb((double) fraction, -24) : Math.scalb(1024.0 + fraction, exponent - 25);
            if (exponent == 31) size = fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN;
            return bits >> 15 == 1 ? -size : size;
        }
    }

    private static final Map<String, String> NPY = Map.of("<f8", "float64", "<f4", "float32", "<f2", "float16");
    private static final Map<String, String> SAFETENSORS =
            Map.of("F64", "float64", "F32", "float32", "F16", "float16", "BF16", "bfloat16");
    private static final Pattern NPY_HEADER =
            Pattern.compile("'descr': *'([^']*)', *'fortran_order': *False, *'shape': *\\(([0-9, ]*)\\)");
    private static final Pattern REPR_DIGEST = Pattern.compile("sha-256=:([^:]*):");
    private static final List<Integer> PASSING = List.of(429, 502, 503, 504);

    private final String url;
    private final HttpClient http;
    private final int attempts;
    private final Duration delay;
    private final String key;

    /** A client that sends the API key of the environment's INITSERVE_KEY, where there is one. */
    public Initserve(String url) {
        this(url, HttpClient.newHttpClient(), 5, Duration.ofMillis(200), System.getenv("INITSERVE_KEY"));
    }

    /** {@code attempts}: how often a request is made before it is given up; {@code delay}: the first wait; {@code key}: null, or an API key. */
    public Initserve(String url, HttpClient http, int attempts, Duration delay, String key) {
        this.key = key;
        this.url = url.replaceAll("/$", "");
        this.http = http;
        this.attempts = attempts;
        this.delay = delay;
    }

    /** The array of a .npy file. */
    public static Array readNpy(byte[] file) throws Damaged {
        ByteBuffer buffer = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        if (file.length < 12 || (file[0] & 0xFF) != 0x93 || !"NUMPY".equals(new String(file, 1, 5, StandardCharsets.ISO_8859_1)))
            throw new Damaged("this is not a .npy file");
        int start = file[6] == 1 ? 10 : 12;
        long length = start == 10 ? buffer.getShort(8) & 0xFFFF : buffer.getInt(8) & 0xFFFFFFFFL;
        if (length > file.length - start) throw new Damaged("the .npy file is cut off");
        int end = start + (int) length;
        String header = new String(file, start, (int) length, StandardCharsets.ISO_8859_1);
        Matcher found = NPY_HEADER.matcher(header);
        if (!found.find() || !NPY.containsKey(found.group(1))) throw new Damaged("arrays as " + header.strip() + " are not read here");
        long[] shape = Arrays.stream(found.group(2).split(",")).map(String::strip).filter(size -> !size.isEmpty())
                .mapToLong(Long::parseLong).toArray();
        return Array.of(NPY.get(found.group(1)), shape, Arrays.copyOfRange(file, end, file.length));
    }

    /** The arrays of a .safetensors file by their keys. */
    public static Map<String, Array> readSafetensors(byte[] file) throws Damaged {
        long length = file.length < 8 ? -1 : ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong();
        if (length < 0 || length > file.length - 8) throw new Damaged("this is not a whole .safetensors file");
        int data = 8 + (int) length;
        Map<String, Array> arrays = new LinkedHashMap<>();
        for (Map.Entry<String, Object> entry : members(new Json(new String(file, 8, (int) length, StandardCharsets.UTF_8)).read()).entrySet()) {
            if (entry.getKey().equals("__metadata__")) continue;
            Map<String, Object> about = members(entry.getValue());
            long[] offsets = sizes(about.get("data_offsets"));
            String dtype = SAFETENSORS.get(String.valueOf(about.get("dtype")));
            if (dtype == null) throw new Damaged(entry.getKey() + " is of " + about.get("dtype") + ", which is not read here");
            if (offsets.length != 2 || offsets[0] < 0 || offsets[1] < offsets[0] || offsets[1] > file.length - data)
                throw new Damaged(entry.getKey() + " is not in the file");
            byte[] bytes = Arrays.copyOfRange(file, data + (int) offsets[0], data + (int) offsets[1]);
            arrays.put(entry.getKey(), Array.of(dtype, sizes(about.get("shape")), bytes));
        }
        return arrays;
    }

    private static long[] sizes(Object list) {
        return elements(list).stream().mapToLong(size -> size instanceof Double number ? number.longValue() : -1).toArray();
    }

    /** Post a spec, JSON, to /init: every array by its key, each compared with its digest. */
    public Map<String, Array> init(String spec) throws IOException, InterruptedException {
        Map<String, Object> answer = post("/init", spec);
        String separator = "pytorch".equals(answer.get("layout")) ? "." : "/";
        Map<String, Array> arrays = new LinkedHashMap<>();
        for (Object layer : elements(answer.get("layers")))
            for (Object each : elements(members(layer).get("parameters"))) {
                Map<String, Object> parameter = members(each);
                String name = String.valueOf(parameter.get("name"));
                String key = members(layer).get("name") + (name.isEmpty() ? "" : separator) + name;
                Array array = readNpy(Base64.getDecoder().decode(String.valueOf(parameter.get("npy"))));
                if (!HexFormat.of().formatHex(sha256().digest(array.bytes())).equals(parameter.get("sha256")))
                    throw new Damaged(key + " has not the bytes of its digest");
                arrays.put(key, array);
            }
        return arrays;
    }

    /** Write the safetensors file of a spec. It has its name only when it is whole. */
    public void save(String spec, Path path) throws IOException, InterruptedException {
        Object address = members(post("/plan", spec).get("links")).get("safetensors");
        if (address == null) throw new Damaged("the server has no address for this spec; see its warnings");
        Path part = path.resolveSibling(path.getFileName() + ".part");
        try {
            try (OutputStream file = Files.newOutputStream(part)) {
                download(String.valueOf(address), file);
            }
            Files.move(part, path, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(part);
        }
    }

    /** Write what is at an address; where the connection breaks, it goes on from there. */
    public void download(String address, OutputStream to) throws IOException, InterruptedException {
        MessageDigest digest = sha256();
        String wanted = null;
        String etag = "";
        long length = -1;
        long kept = 0;
        byte[] bytes = new byte[65536];
        for (int failures = 0; length < 0 || kept < length; ) {
            HttpRequest.Builder request = request(address).header("Want-Repr-Digest", "sha-256=1");
            if (kept > 0) request.header("Range", "bytes=" + kept + "-").header("If-Range", etag);
            HttpResponse<InputStream> answer = ask(request.build());
            if (kept == 0) {
                length = answer.headers().firstValueAsLong("content-length").orElseThrow(() -> new Damaged("the server does not say how long this is"));
                etag = answer.headers().firstValue("etag").orElse("");
            } else if (!answer.headers().firstValue("content-range").orElse("").startsWith("bytes " + kept + "-")) {
                answer.body().close();
                throw new Damaged(address + " changed while it was being fetched");
            }
            Matcher found = REPR_DIGEST.matcher(answer.headers().firstValue("repr-digest").orElse(""));
            if (found.find()) wanted = found.group(1);
            failures++;
            try (InputStream body = answer.body()) {
                for (int count = read(body, bytes); count > 0; count = read(body, bytes)) {
                    to.write(bytes, 0, count);
                    digest.update(bytes, 0, count);
                    kept += count;
                    failures = 1;
                }
            }
            if (kept == length) break;
            if (failures >= attempts) throw new Damaged(address + " broke off after " + kept + " bytes");
            pause(failures, null);
        }
        if (wanted != null && !wanted.equals(Base64.getEncoder().encodeToString(digest.digest())))
            throw new Damaged(address + " has not the bytes of its digest");
    }

    /** The next bytes; none at the end, or where the connection broke. */
    private static int read(InputStream body, byte[] bytes) {
        try {
            return body.read(bytes);
        } catch (IOException broken) {
            return -1;
        }
    }

    private Map<String, Object> post(String route, String spec) throws IOException, InterruptedException {
        HttpRequest request = request(route).header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(spec)).build();
        try (InputStream body = ask(request).body()) {
            return members(new Json(new String(body.readAllBytes(), StandardCharsets.UTF_8)).read());
        }
    }

    private HttpRequest.Builder request(String address) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + address)).version(HttpClient.Version.HTTP_1_1);
        return key == null ? request : request.header("Authorization", "Bearer " + key);
    }

    /** An answer that is no refusal; asked for again, after a while, where the server is busy or not there. */
    private HttpResponse<InputStream> ask(HttpRequest request) throws IOException, InterruptedException {
        for (int attempt = 1; ; attempt++) {
            String after = null;
            try {
                HttpResponse<InputStream> answer = http.send(request, BodyHandlers.ofInputStream());
                if (answer.statusCode() < 300) return answer;
                Problem problem = problemOf(answer);
                if (attempt == attempts || !PASSING.contains(problem.status)) throw problem;
                after = answer.headers().firstValue("retry-after").orElse(null);
            } catch (Problem problem) {
                throw problem;
            } catch (IOException broken) {
                if (attempt == attempts) throw broken;
            }
            pause(attempt, after);
        }
    }

    private void pause(int attempt, String seconds) throws InterruptedException {
        boolean said = seconds != null && seconds.matches("\\d+");
        Thread.sleep(said ? 1000 * Long.parseLong(seconds) : delay.toMillis() << (attempt - 1));
    }

    private static Problem problemOf(HttpResponse<InputStream> answer) throws IOException {
        String text = new String(answer.body().readAllBytes(), StandardCharsets.UTF_8);
        Map<String, Object> document;
        try {
            document = members(new Json(text).read());
        } catch (Damaged plain) {
            return new Problem(answer.statusCode(), answer.statusCode() + " " + text);
        }
        StringBuilder message = new StringBuilder(String.valueOf(document.getOrDefault("detail", document.get("title"))));
        List<String> errors = new ArrayList<>();
        for (Object each : elements(document.get("errors"))) errors.add(members(each).get("pointer") + ": " + members(each).get("detail"));
        if (!errors.isEmpty()) message.append(" (").append(String.join("; ", errors)).append(")");
        if (document.containsKey("try")) message.append("; try ").append(Json.write(document.get("try")));
        return new Problem(answer.statusCode(), message.toString());
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException impossible) {
            throw new AssertionError(impossible); // every Java has it
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> members(Object json) {
        return json instanceof Map ? (Map<String, Object>) json : Map.of();
    }

    @SuppressWarnings("unchecked")
    private static List<Object> elements(Object json) {
        return json instanceof List ? (List<Object>) json : List.of();
    }

    /** JSON as maps, lists, strings, doubles, booleans and null. */
    private static final class Json {
        private static final String FROM = "\"\\/bfnrt";
        private static final String INTO = "\"\\/\b\f\n\r\t";
        private final String text;
        private int at;
        private int depth;

        Json(String text) {
            this.text = text;
        }

        Object read() throws Damaged {
            Object found = value();
            if (peek() != 0) throw wrong();
            return found;
        }

        private Damaged wrong() {
            return new Damaged("this is not JSON, at " + at);
        }

        /** The next character that is no space; 0 at the end. */
        private char peek() {
            while (at < text.length() && " \t\n\r".indexOf(text.charAt(at)) >= 0) at++;
            return at < text.length() ? text.charAt(at) : 0;
        }

        private void expect(char wanted) throws Damaged {
            if (peek() != wanted) throw wrong();
            at++;
        }

        private Object value() throws Damaged {
            if (++depth > 200) throw wrong();
            Object found = switch (peek()) {
                case '"' -> string();
                case '{' -> object();
                case '[' -> list();
                default -> word();
            };
            depth--;
            return found;
        }

        private Map<String, Object> object() throws Damaged {
            Map<String, Object> found = new LinkedHashMap<>();
            at++;
            while (peek() != '}') {
                if (!found.isEmpty()) expect(',');
                peek();
                String key = string();
                expect(':');
                found.put(key, value());
            }
            at++;
            return found;
        }

        private List<Object> list() throws Damaged {
            List<Object> found = new ArrayList<>();
            at++;
            while (peek() != ']') {
                if (!found.isEmpty()) expect(',');
                found.add(value());
            }
            at++;
            return found;
        }

        private Object word() throws Damaged {
            int start = at;
            while (at < text.length() && (Character.isLetterOrDigit(text.charAt(at)) || "+-.".indexOf(text.charAt(at)) >= 0)) at++;
            String word = text.substring(start, at);
            switch (word) {
                case "null": return null;
                case "true": return true;
                case "false": return false;
                default:
            }
            if (!word.matches("-?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?")) throw wrong();
            return Double.parseDouble(word);
        }

        private String string() throws Damaged {
            expect('"');
            StringBuilder found = new StringBuilder();
            try {
                for (char next = text.charAt(at++); next != '"'; next = text.charAt(at++)) {
                    if (next != '\\') {
                        found.append(next);
                        continue;
                    }
                    char escape = text.charAt(at++);
                    if (escape == 'u') {
                        found.append((char) Integer.parseInt(text.substring(at, at += 4), 16));
                    } else {
                        found.append(INTO.charAt(FROM.indexOf(escape)));
                    }
                }
            } catch (IndexOutOfBoundsException | NumberFormatException broken) {
                throw wrong();
            }
            return found.toString();
        }

        static String write(Object json) {
            if (json instanceof Map<?, ?> object) {
                List<String> parts = new ArrayList<>();
                object.forEach((key, value) -> parts.add(write(key) + ":" + write(value)));
                return "{" + String.join(",", parts) + "}";
            }
            if (json instanceof List<?> list) return "[" + String.join(",", list.stream().map(Json::write).toList()) + "]";
            if (json instanceof Double number && number == Math.rint(number) && Math.abs(number) < 1e15) return String.valueOf(number.longValue());
            if (json instanceof String plain) return "\"" + plain.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + "\"";
            return String.valueOf(json);
        }
    }
}
