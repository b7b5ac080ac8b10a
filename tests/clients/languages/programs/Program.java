import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.stream.Collectors;

/** What test_languages.py asks of each client: read FILES, init URL SPEC, save URL SPEC FILE. */
public final class Program {
    private static void show(String key, Initserve.Array array) throws Exception {
        boolean wide = array.dtype().equals("float64");
        double[] values = array.toDoubles();
        ByteBuffer data = ByteBuffer.allocate(values.length * (wide ? 8 : 4)).order(ByteOrder.LITTLE_ENDIAN);
        for (double value : values) {
            if (wide) data.putDouble(value);
            else data.putFloat((float) value);
        }
        String shape = Arrays.stream(array.shape()).mapToObj(String::valueOf).collect(Collectors.joining("x"));
        String digest = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(data.array()));
        System.out.println(key + " " + array.dtype() + " " + (shape.isEmpty() ? "scalar" : shape) + " " + digest);
    }

    private static void showAll(Map<String, Initserve.Array> arrays) throws Exception {
        for (Map.Entry<String, Initserve.Array> entry : arrays.entrySet()) show(entry.getKey(), entry.getValue());
    }

    private static void run(String[] words) throws Exception {
        if (words[0].equals("read")) {
            for (String path : Arrays.asList(words).subList(1, words.length)) {
                byte[] file = Files.readAllBytes(Path.of(path));
                if (path.endsWith(".npy")) show("-", Initserve.readNpy(file));
                else showAll(Initserve.readSafetensors(file));
            }
            return;
        }
        Initserve client = new Initserve(words[1]);
        String spec = Files.readString(Path.of(words[2]));
        if (words[0].equals("save")) client.save(spec, Path.of(words[3]));
        else showAll(client.init(spec));
    }

    public static void main(String[] words) throws Exception {
        try {
            run(words);
        } catch (java.io.IOException error) {
            System.err.println(error.getMessage());
            System.exit(1);
        }
    }
}
