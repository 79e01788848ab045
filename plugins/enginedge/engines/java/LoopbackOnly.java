import java.lang.reflect.Field;
import java.net.InetAddress;
import java.util.Arrays;

/**
 * Runs the main class that is named first, in a JVM to which "all addresses" means loopback. The metastore has no setting
 * for the address it listens on. Needs {@code --add-opens java.base/java.net=ALL-UNNAMED}; made for Java 17.
 */
public final class LoopbackOnly {
    public static void main(String[] arguments) throws Exception {
        Field implementation = InetAddress.class.getDeclaredField("impl");
        implementation.setAccessible(true);
        Object addresses = implementation.get(null);
        Field all = addresses.getClass().getDeclaredField("anyLocalAddress");
        all.setAccessible(true);
        all.set(addresses, InetAddress.getByName("127.0.0.1"));
        Class<?> program = Class.forName(arguments[0]);
        Object rest = Arrays.copyOfRange(arguments, 1, arguments.length);
        program.getMethod("main", String[].class).invoke(null, rest);
    }
}
