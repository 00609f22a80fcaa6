import java.io.FileInputStream;
import java.lang.reflect.Field;
import java.lang.reflect.Method;

/** Starts Debian's JMeter 2.13 with its XStream allowed to read JMeter's own classes. */
public class Start {
    public static void main(String[] args) throws Exception {
        String home = System.getProperty("jmeter.home");
        // Makes the class loader of JMeter's jars, and sets it as the thread's.
        Class<?> driver = Class.forName("org.apache.jmeter.NewDriver");
        Field field = driver.getDeclaredField("loader");
        field.setAccessible(true);
        ClassLoader loader = (ClassLoader) field.get(null);
        Thread.currentThread().setContextClassLoader(loader);
        Class<?> utils = loader.loadClass("org.apache.jmeter.util.JMeterUtils");
        utils.getMethod("setJMeterHome", String.class).invoke(null, home);
        utils.getMethod("loadJMeterProperties", String.class).invoke(null, home + "/bin/jmeter.properties");
        java.util.Properties known = (java.util.Properties) utils.getMethod("getJMeterProperties").invoke(null);
        for (int i = 0; i + 1 < args.length; i++) {
            if (args[i].equals("-q")) known.load(new FileInputStream(args[i + 1]));
        }
        Class<?> service = loader.loadClass("org.apache.jmeter.save.SaveService");
        for (String name : new String[] {"JMXSAVER", "JTLSAVER"}) {
            Field saver = service.getDeclaredField(name);
            saver.setAccessible(true);
            Object xstream = saver.get(null);
            xstream.getClass().getMethod("allowTypesByWildcard", String[].class)
                .invoke(xstream, (Object) new String[] {"**"});
        }
        Object jmeter = loader.loadClass("org.apache.jmeter.JMeter").getDeclaredConstructor().newInstance();
        jmeter.getClass().getMethod("start", String[].class).invoke(jmeter, (Object) args);
    }
}
