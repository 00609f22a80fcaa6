import java.io.*;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.security.*;
import java.security.cert.*;
import java.security.cert.Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.*;
import javax.net.ssl.*;

/** A server that lets in whom PKIX lets in: Lab ADDRESS PORT TLS OPTIONS. */
public class Lab {
    public static void main(String[] words) throws Exception {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys(), trust(words[3]), null);
        int port = Integer.parseInt(words[1]);
        SSLServerSocket listener = (SSLServerSocket) context.getServerSocketFactory()
            .createServerSocket(port, 64, InetAddress.getByName(words[0]));
        listener.setNeedClientAuth(true);
        listener.setEnabledProtocols(words[2].equals("1.3")
            ? new String[] {"TLSv1.3", "TLSv1.2"} : new String[] {"TLSv1.2"});
        System.out.println("listening");
        while (true) {
            SSLSocket client = (SSLSocket) listener.accept();
            new Thread(() -> serve(client)).start();
        }
    }

    static void serve(SSLSocket client) {
        try (client) {
            client.setSoTimeout(60_000);
            client.startHandshake();
            BufferedReader in = new BufferedReader(new InputStreamReader(client.getInputStream()));
            String line;
            while ((line = in.readLine()) != null && !line.isEmpty()) { }
            String body = "time=" + System.currentTimeMillis() / 1000 + "\n";
            String head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n"
                + "Content-Length: " + body.length() + "\r\n\r\n";
            client.getOutputStream().write((head + body).getBytes(StandardCharsets.US_ASCII));
            client.getOutputStream().flush();
        } catch (Exception e) {
            StringBuilder why = new StringBuilder();
            for (Throwable at = e; at != null; at = at.getCause()) {
                if (why.length() > 0) why.append(" < ");
                String reason = at instanceof CertPathValidatorException
                    ? " [" + ((CertPathValidatorException) at).getReason() + "]" : "";
                why.append(at.getClass().getSimpleName()).append(reason).append(": ").append(at.getMessage());
            }
            System.out.println("refused: " + why.toString().replace('\n', ' '));
        }
    }

    static TrustManager[] trust(String options) throws Exception {
        Set<TrustAnchor> anchors = new HashSet<>();
        for (X509Certificate root : certificates("roots.pem")) anchors.add(new TrustAnchor(root, null));
        PKIXBuilderParameters parameters = new PKIXBuilderParameters(anchors, new X509CertSelector());
        parameters.addCertStore(CertStore.getInstance("Collection",
            new CollectionCertStoreParameters(certificates("authorities.pem"))));
        boolean unchecked = options.equals("UNCHECKED");
        if (unchecked) options = "-";
        CertPathBuilder builder = CertPathBuilder.getInstance("PKIX");
        PKIXRevocationChecker checker = (PKIXRevocationChecker) builder.getRevocationChecker();
        Set<PKIXRevocationChecker.Option> chosen = EnumSet.noneOf(PKIXRevocationChecker.Option.class);
        for (String option : options.equals("-") ? new String[0] : options.split(","))
            chosen.add(PKIXRevocationChecker.Option.valueOf(option));
        checker.setOptions(chosen);
        parameters.setRevocationEnabled(!unchecked);
        if (!unchecked) parameters.addCertPathChecker(checker);
        TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
        factory.init(new CertPathTrustManagerParameters(parameters));
        return factory.getTrustManagers();
    }

    static KeyManager[] keys() throws Exception {
        List<X509Certificate> chain = certificates("fullchain.pem");
        PrivateKey key = key("key.pem", chain.get(0).getPublicKey().getAlgorithm());
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setKeyEntry("server", key, new char[0], chain.toArray(new Certificate[0]));
        KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
        factory.init(store, new char[0]);
        return factory.getKeyManagers();
    }

    static PrivateKey key(String file, String algorithm) throws Exception {
        String text = Files.readString(Path.of(file)).replaceAll("-----[^-]*-----", "");
        byte[] der = Base64.getMimeDecoder().decode(text);
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(der));
    }

    static List<X509Certificate> certificates(String file) throws Exception {
        List<X509Certificate> read = new ArrayList<>();
        try (InputStream in = Files.newInputStream(Path.of(file))) {
            for (Certificate c : CertificateFactory.getInstance("X.509").generateCertificates(in))
                read.add((X509Certificate) c);
        }
        return read;
    }
}
