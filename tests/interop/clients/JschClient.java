import com.jcraft.jsch.*;
import java.io.*;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.security.MessageDigest;
import java.util.*;

/** A client made with JSch 0.1; its arguments are those of clients.base.Library, and `editor FOLDER PORT`. */
public class JschClient {
  static Session session;

  public static void main(String[] args) {
    int status = 1;
    try {
      status = operate(args);
    } catch (Exception error) {
      error.printStackTrace();
    }
    System.out.flush();
    Runtime.getRuntime().halt(status);  // a thread may still wait for standard input
  }

  static int operate(String[] args) throws Exception {
    String operation = args[5];
    String[] words = Arrays.copyOfRange(args, 6, args.length);
    connect(args);
    int status = 0;
    switch (operation) {
      case "exec": case "pty": status = run(words[0], operation.equals("pty")); break;
      case "four": four(words[0]); break;
      case "forward": forward(Integer.parseInt(words[0])); break;
      case "get": case "put": transfer(operation, words[0], words[1]); break;
      case "editor": editor(words[0], Integer.parseInt(words[1])); break;
      default: throw new IllegalArgumentException(operation);
    }
    session.disconnect();
    return status;
  }

  static void connect(String[] args) throws Exception {
    JSch jsch = new JSch();
    jsch.addIdentity(args[3]);
    String[] hostKey = Files.readString(Path.of(args[4])).split(" ");
    String line = "[" + args[0] + "]:" + args[1] + " " + hostKey[0] + " " + hostKey[1] + "\n";
    jsch.setKnownHosts(new ByteArrayInputStream(line.getBytes(StandardCharsets.US_ASCII)));
    session = jsch.getSession(args[2], args[0], Integer.parseInt(args[1]));
    session.setConfig("PreferredAuthentications", "publickey");
    session.setConfig("server_host_key", hostKey[0]);
    session.connect(60000);
  }

  /** Runs a command with our input and output. */
  static int run(String command, boolean terminal) throws Exception {
    ChannelExec channel = (ChannelExec) session.openChannel("exec");
    channel.setCommand(command);
    if (terminal) channel.setPtyType("vt100", 100, 30, 800, 600);
    channel.setPty(terminal);
    channel.setInputStream(System.in, true);
    channel.setErrStream(System.err, true);
    InputStream output = channel.getInputStream();
    channel.connect(60000);
    output.transferTo(System.out);
    System.out.flush();
    waitFor(channel);
    return channel.getExitStatus();
  }

  static void waitFor(Channel channel) throws Exception {
    while (!channel.isClosed()) Thread.sleep(5);
  }

  static String output(String command) throws Exception {
    ChannelExec channel = (ChannelExec) session.openChannel("exec");
    channel.setCommand(command);
    InputStream output = channel.getInputStream();
    channel.connect(60000);
    String text = new String(output.readAllBytes(), StandardCharsets.UTF_8);
    channel.disconnect();
    return text;
  }

  static String digest(String command) {
    try {
      ChannelExec channel = (ChannelExec) session.openChannel("exec");
      channel.setCommand(command);
      InputStream output = channel.getInputStream();
      channel.connect(60000);
      MessageDigest hash = MessageDigest.getInstance("SHA-256");
      byte[] block = new byte[65536];
      for (int length; (length = output.read(block)) >= 0; ) hash.update(block, 0, length);
      channel.disconnect();
      return HexFormat.of().formatHex(hash.digest());
    } catch (Exception error) {
      return error.toString();
    }
  }

  static void four(String command) throws Exception {
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < 4; ++i) threads.add(new Thread(() -> System.out.println(digest(command))));
    for (Thread thread : threads) thread.start();
    for (Thread thread : threads) thread.join();
  }

  static void forward(int port) throws Exception {
    Channel channel = session.getStreamForwarder("127.0.0.1", port);
    InputStream output = channel.getInputStream();
    OutputStream input = channel.getOutputStream();
    channel.connect(60000);
    System.in.transferTo(input);  // and no end of it: with that JSch closes the channel
    input.flush();
    output.transferTo(System.out);
  }

  static ChannelSftp sftp() throws Exception {
    ChannelSftp sftp = (ChannelSftp) session.openChannel("sftp");
    sftp.connect(60000);
    return sftp;
  }

  static void transfer(String operation, String source, String sink) throws Exception {
    ChannelSftp sftp = sftp();
    long begun = System.nanoTime();
    if (operation.equals("get")) sftp.get(source, sink); else sftp.put(source, sink);
    System.out.println((System.nanoTime() - begun) / 1e9);
  }

  static void check(boolean good, String what) {
    if (!good) throw new IllegalStateException(what);
    System.out.println(what);
  }

  /** An editor's session: it asks what the machine is, keeps one sftp channel open, runs commands beside it, and forwards a port. */
  static void editor(String folder, int port) throws Exception {
    check(output("uname -sm").startsWith("Linux") && output("echo $HOME").startsWith("/"), "exec");
    ChannelSftp sftp = sftp();
    byte[] content = new byte[300000];
    new java.util.Random(1).nextBytes(content);
    sftp.put(new ByteArrayInputStream(content), folder + "/editor.jar");
    sftp.chmod(0700, folder + "/editor.jar");
    ByteArrayOutputStream back = new ByteArrayOutputStream();
    sftp.get(folder + "/editor.jar", back);
    check(Arrays.equals(back.toByteArray(), content) && sftp.stat(folder + "/editor.jar").getPermissions() == 0100700, "sftp");
    for (int i = 0; i < 30; ++i)
      if (!output("stat -c %s '" + folder + "/editor.jar'; sleep 0").equals("300000\n")) throw new IllegalStateException("again");
    check(sftp.ls(folder).size() > 0, "again");
    int local = session.setPortForwardingL(0, "127.0.0.1", port);
    for (int i = 0; i < 10; ++i) {
      try (java.net.Socket peer = new java.net.Socket("127.0.0.1", local)) {
        peer.getOutputStream().write(content, 0, 1000);
        byte[] answer = peer.getInputStream().readNBytes(1000);
        if (!Arrays.equals(answer, Arrays.copyOf(content, 1000))) throw new IllegalStateException("forward");
      }
    }
    check(true, "forward");
  }
}
