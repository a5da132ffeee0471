package git

import (
	"bufio"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/skeema/knownhosts"
	"github.com/tidelock-io/tidelock/secrets"
	"golang.org/x/crypto/ssh"
)

// OpenSSH's own server, as the user who runs the test.
func TestOpenSSH(t *testing.T) {
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin")
	sshd, err := exec.LookPath("sshd")
	if err != nil {
		t.Skip("openssh-server is not installed: TestSSH has the server of golang.org/x/crypto in its place")
	}
	if _, err := os.Stat("/run/sshd"); err != nil && os.Getuid() == 0 {
		t.Skip("openssh-server has never run here: there is no /run/sshd")
	}
	u := newUpstream(t)
	shas := u.history(3)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	_, hostKey, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	host, err := ssh.NewSignerFromKey(hostKey)
	must(t, err)
	block, err := ssh.MarshalPrivateKey(hostKey, "")
	must(t, err)
	client, private := newKey(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	address := free.Addr().String()
	must(t, free.Close())
	_, port, err := net.SplitHostPort(address)
	must(t, err)
	config := file("config", fmt.Sprintf(`ListenAddress %s
HostKey %s
AuthorizedKeysFile %s
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
`, address, file("host", string(pem.EncodeToMemory(block))), file("authorized", string(ssh.MarshalAuthorizedKey(client.PublicKey())))))
	cmd := exec.Command(sshd, "-D", "-e", "-f", config, "-p", port)
	said, err := cmd.StderrPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for lines := bufio.NewScanner(said); ; {
		if !lines.Scan() {
			t.Fatal("sshd has ended before it listened")
		}
		if strings.Contains(lines.Text(), "Server listening") {
			break
		}
	}

	me, err := user.Current()
	must(t, err)
	s := newStore(t, Options{})
	repo := Repo{URL: "ssh://" + me.Username + "@" + address + u.bare(), Credentials: Credentials{
		SSHPrivateKey: secrets.New(private), KnownHosts: knownhosts.Line([]string{address}, host.PublicKey()),
	}}
	if sha := resolve(t, s, repo, "main"); sha != shas[2] || content(t, tree(t, s, repo, sha), "a") != "2" || u.counted(s, sha) != "1" {
		t.Errorf("got %s with %s commits", sha, u.counted(s, sha))
	}
	if sha := resolve(t, s, repo, shas[0][:9]); sha != shas[0] || u.counted(s, shas[2]) != "3" {
		t.Errorf("got %s with %s commits", sha, u.counted(s, shas[2]))
	}
}
