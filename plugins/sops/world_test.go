package sops_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	upstream "github.com/getsops/sops/v3"
	"github.com/getsops/sops/v3/aes"
	"github.com/getsops/sops/v3/cmd/sops/common"
	"github.com/getsops/sops/v3/cmd/sops/formats"
	"github.com/getsops/sops/v3/config"
	"github.com/getsops/sops/v3/keys"
	"sigs.k8s.io/yaml"

	"github.com/tidelock-io/tidelock/cmd/testenv"
	"github.com/tidelock-io/tidelock/plugins/host"
	"github.com/tidelock-io/tidelock/plugins/pluginstest"
	"github.com/tidelock-io/tidelock/plugins/sdk"
	"github.com/tidelock-io/tidelock/plugins/sdk/sandbox"
	"github.com/tidelock-io/tidelock/plugins/sops"
	"github.com/tidelock-io/tidelock/plugins/sops/open"
)

func TestMain(m *testing.M) {
	pluginstest.Main(m, sops.Plugin("test"), sops.ServicesPlugin("test"))
}

// canary stands in every plain text, and may stand in no error.
const canary = "hunter2-canary"

// newHost runs both plugins. The one that asks services has the environment.
func newHost(t testing.TB, env ...string) *host.Host {
	services := host.Spec{Name: open.Services, Env: env, Grants: sandbox.Grants{Network: true}}
	for _, variable := range env {
		if _, file, _ := strings.Cut(variable, "="); filepath.IsAbs(file) {
			services.Grants.Files = append(services.Grants.Files, file)
		}
	}
	return pluginstest.Host(t, host.Spec{Name: open.Local}, services)
}

// decrypt opens a file as Tidelock does.
func decrypt(h *host.Host, name string, data []byte, keys ...sdk.Key) (string, error) {
	plain, err := open.File(context.Background(), h.Decrypt, &sdk.DecryptRequest{
		Application: "shop", Path: name, Data: data, Keys: keys,
	})
	return string(plain), err
}

func newKey(t testing.TB, name string) (key sdk.Key, recipient string) {
	t.Helper()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return sdk.Key{Kind: open.Age, Name: name, Material: []byte("# created: now\n" + identity.String() + "\n")}, identity.Recipient().String()
}

// A tool is the sops program, as a person uses it.
type tool struct {
	testing.TB
	path, dir string
	env       []string
}

func newTool(t testing.TB, env ...string) *tool {
	path, err := testenv.Tool(context.Background(), testenv.SOPSTool)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	return &tool{t, path, dir, append([]string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "SOPS_DISABLE_VERSION_CHECK=1"}, env...)}
}

// encrypt encrypts by a creation rule: the fields of .sops.yaml.
func (s *tool) encrypt(t testing.TB, name, plain string, rule map[string]any) []byte {
	t.Helper()
	config, err := yaml.Marshal(map[string]any{"creation_rules": []any{rule}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), ".sops.yaml")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := s.run(plain, "--config", file, "encrypt", "--filename-override", filepath.Join(filepath.Dir(file), name))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s *tool) run(stdin string, args ...string) ([]byte, error) {
	cmd := exec.Command(s.path, args...)
	cmd.Env, cmd.Dir, cmd.Stdin = s.env, s.dir, strings.NewReader(stdin)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		err = &exec.Error{Name: "sops " + strings.Join(args, " "), Err: errText(said.String())}
	}
	return out, err
}

type errText string

func (e errText) Error() string { return string(e) }

// encryptFor encrypts YAML with a data key, for recipients whose part of it is
// there: where the sops program would have to reach a cloud.
func encryptFor(t testing.TB, plain string, dataKey []byte, recipients ...keys.MasterKey) []byte {
	t.Helper()
	store := common.StoreForFormat(formats.Yaml, config.NewStoresConfig())
	branches, err := store.LoadPlainFile([]byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	tree := upstream.Tree{Branches: branches, Metadata: upstream.Metadata{
		KeyGroups: []upstream.KeyGroup{recipients}, Version: "3.13.3", LastModified: time.Unix(1e9, 0).UTC(),
	}}
	if err := common.EncryptTree(common.EncryptTreeOpts{DataKey: dataKey, Tree: &tree, Cipher: aes.NewCipher()}); err != nil {
		t.Fatal(err)
	}
	out, err := store.EmitEncryptedFile(tree)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
