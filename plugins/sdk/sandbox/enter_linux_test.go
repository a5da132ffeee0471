package sandbox

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// grantsEnv makes a run of the test binary a sandboxed child that tries what it
// may and may not do.
const grantsEnv = "TIDELOCK_SANDBOX_TEST"

func TestMain(m *testing.M) {
	if text := os.Getenv(grantsEnv); text != "" {
		tryAll(text)
		return
	}
	os.Exit(m.Run())
}

// tryAll enters the sandbox and prints what came of each attempt.
func tryAll(text string) {
	var grants Grants
	if err := json.Unmarshal([]byte(text), &grants); err != nil {
		panic(err)
	}
	status, err := Enter(grants)
	fmt.Println("enter:", err, "missing:", len(status.Missing))
	for _, attempt := range []struct {
		name string
		try  func() error
	}{
		{"read /etc/passwd", func() error { _, err := os.ReadFile("/etc/passwd"); return err }},
		{"read /etc/hosts", func() error { _, err := os.ReadFile("/etc/hosts"); return err }},
		{"write", func() error {
			return os.WriteFile(filepath.Join(os.TempDir(), "tidelock-sandbox-test"), []byte("x"), 0o600)
		}},
		{"exec", func() error { return exec.Command("/bin/true").Run() }},
		{"socket", func() error {
			conn, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err == nil {
				err = conn.Close()
			}
			return err
		}},
	} {
		verdict := "allowed"
		if attempt.try() != nil {
			verdict = "refused"
		}
		fmt.Println(attempt.name+":", verdict)
	}
}

func TestEnter(t *testing.T) {
	for _, tt := range []struct {
		name   string
		grants Grants
		want   string
	}{
		{"nothing granted", Grants{}, "read /etc/passwd: refused, read /etc/hosts: refused, write: refused, exec: refused, socket: refused"},
		{"network", Grants{Network: true}, "read /etc/passwd: refused, read /etc/hosts: allowed, write: refused, exec: refused, socket: allowed"},
		{"one file", Grants{Files: []string{"/etc/passwd"}}, "read /etc/passwd: allowed, read /etc/hosts: refused, write: refused, exec: refused, socket: refused"},
		{"a directory", Grants{Files: []string{"/etc"}}, "read /etc/passwd: allowed, read /etc/hosts: allowed, write: refused, exec: refused, socket: refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, err := json.Marshal(tt.grants)
			if err != nil {
				t.Fatal(err)
			}
			child := exec.CommandContext(t.Context(), os.Args[0])
			child.Env = append(os.Environ(), grantsEnv+"="+string(text))
			out, err := child.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			if strings.HasPrefix(lines[0], "enter: <nil> missing: ") && !strings.HasSuffix(lines[0], " 0") {
				t.Skip("this kernel lacks a part of the sandbox")
			}
			if got := strings.Join(lines[1:], ", "); !strings.HasPrefix(lines[0], "enter: <nil>") || got != tt.want {
				t.Errorf("got %s\n%s\nwant %s", lines[0], got, tt.want)
			}
		})
	}
}
