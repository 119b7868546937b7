import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import kafka.docker.KafkaDockerWrapper$;
import scala.collection.immutable.Map;

/**
 * Turns KAFKA_* variables into server.properties, formats the storage, and serves.
 *
 * The first two are what the official image does in a virtual machine of their own, by the same class of Kafka's; one
 * machine for all three starts in half the time.
 */
public final class KafkaStart {
    private static final Path DEFAULTS = Paths.get("/etc/kafka/docker");
    private static final Path MOUNTED = Paths.get("/mnt/shared/config");
    private static final Path FINAL = Paths.get("/opt/kafka/config");

    private KafkaStart() {
    }

    public static void main(String[] arguments) throws IOException {
        Path properties = FINAL.resolve("server.properties");
        if (!Files.exists(properties)) {
            // The wrapper only ever truncates one that is there.
            Files.createFile(properties);
        }
        Map<String, String> environment = scala.sys.package$.MODULE$.env();
        KafkaDockerWrapper$ wrapper = KafkaDockerWrapper$.MODULE$;
        wrapper.prepareServerConfigs(DEFAULTS, MOUNTED, FINAL, environment);

        String[] format = wrapper.formatStorageCmd(FINAL, environment);
        format = Arrays.copyOf(format, format.length + 1);
        // A container that starts a second time has its storage already.
        format[format.length - 1] = "--ignore-formatted";
        int code = kafka.tools.StorageTool.execute(format, System.out);
        if (code != 0) {
            System.exit(code);
        }
        kafka.Kafka.main(new String[] {properties.toString()});
    }
}
