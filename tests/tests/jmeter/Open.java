import java.lang.reflect.Field;
import java.lang.reflect.Proxy;

/** Has Debian's JMeter 2.13 open a file of results, as its listeners do, and counts what it hears of. */
public class Open {
    public static void main(String[] args) throws Exception {
        String home = System.getProperty("jmeter.home");
        Field field = Class.forName("org.apache.jmeter.NewDriver").getDeclaredField("loader");
        field.setAccessible(true);
        ClassLoader loader = (ClassLoader) field.get(null);
        Thread.currentThread().setContextClassLoader(loader);
        Class<?> utils = loader.loadClass("org.apache.jmeter.util.JMeterUtils");
        utils.getMethod("setJMeterHome", String.class).invoke(null, home);
        utils.getMethod("loadJMeterProperties", String.class).invoke(null, home + "/bin/jmeter.properties");
        Class<?> service = loader.loadClass("org.apache.jmeter.save.SaveService");
        Field saver = service.getDeclaredField("JTLSAVER");
        saver.setAccessible(true);
        Object xstream = saver.get(null);
        xstream.getClass().getMethod("allowTypesByWildcard", String[].class)
            .invoke(xstream, (Object) new String[] {"**"});
        Class<?> visualizer = loader.loadClass("org.apache.jmeter.visualizers.Visualizer");
        int[] seen = new int[2];
        Object counting = Proxy.newProxyInstance(loader, new Class<?>[] {visualizer}, (p, m, a) -> {
            if (m.getName().equals("add")) {
                seen[0]++;
                if ((Boolean) a[0].getClass().getMethod("isSuccessful").invoke(a[0])) seen[1]++;
            }
            return m.getReturnType() == boolean.class ? (Object) false : null;
        });
        Class<?> collector = loader.loadClass("org.apache.jmeter.reporters.ResultCollector");
        Object own = collector.getDeclaredConstructor().newInstance();
        collector.getMethod("setFilename", String.class).invoke(own, args[0]);
        collector.getMethod("setListener", visualizer).invoke(own, counting);
        collector.getMethod("loadExistingFile").invoke(own);
        System.out.println("opened " + seen[0] + " samples, " + seen[1] + " successful");
        System.exit(0);
    }
}
