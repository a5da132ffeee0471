package scan_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tidelock-io/tidelock/secrets/scan"
	"github.com/tidelock-io/tidelock/secrets/walk"
)

// Values that look like secrets, in two parts so that this file holds none.
var (
	awsKey  = "AKIA" + "QYLPMN5HHHFPZAM2"
	github  = "ghp_" + "wWPw5k4aXcaT4fNP0UcnZwJUVFk6LO0pINUx"
	pem     = "-----BEGIN RSA PRIVATE" + " KEY-----\nMIIEpAIBAAKCAQEAr3k5bYQ7mYyW0yXk4qYl8rYfZtQ9m0n1yJbUuS4hV5zWq2Tn\nMIIEpAIBAAKCAQEAr3k5bYQ7mYyW0yXk4qYl8rYfZtQ9m0n1yJbUuS4hV5zWq2Tn\n-----END RSA PRIVATE" + " KEY-----\n"
	generic = "k3J9" + "xQ2mV7bN8pL4wR6tY1zC5"
	encoded = base64.StdEncoding.EncodeToString([]byte("hunter2-canary"))
)

func scanned(t testing.TB, files map[string]string, ignored scan.Ignored) []scan.Finding {
	t.Helper()
	rules := scan.DefaultRules()
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	report, err := scan.New(rules, ignored).Tree(context.Background(), tree, ".", walk.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return report.Findings
}

func TestFindings(t *testing.T) {
	secret := func(field, entries string) string {
		return "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n" + field + ":\n" + entries
	}
	for _, tt := range []struct {
		name, file, text, want string
	}{
		{"an AWS key", "a.tf", "\n  key = \"" + awsKey + "\"\n", "a.tf:2:10: aws-access-token"},
		{"a GitHub token", "a.sh", "export T=" + github + "\n", "a.sh:1:10: github-pat"},
		{"in braces of YAML", "a.yaml", "env: {T: " + github + "}\n", "a.yaml:1:10: github-pat"},
		{"in brackets of YAML", "a.yaml", "args: [--token, " + github + ", --keep]\n", "a.yaml:1:17: github-pat"},
		{"a private key", "tls.key", pem, "tls.key:1:1: private-key"},
		{"a password in code", "a.py", "x = 1\napi_key = \"" + generic + "\"\n", "a.py:2:1: generic-api-key"},
		{"encoded in base64", "a.txt", "blob: " + base64.StdEncoding.EncodeToString([]byte("token "+github+" of ours")) + "\n", "a.txt:1:7: github-pat"},
		{"allowed by a comment", "a.tf", "key = \"" + awsKey + "\" # gitleaks:allow\n", ""},
		{"nothing", "a.yaml", "image: nginx:1.2.3\n", ""},

		{"what a cluster's Secret names", "a.yaml", "kind: Secret\nmetadata: {labels: {argocd.argoproj.io/secret-type: cluster}}\nstringData:\n  name: eu\n  server: https://eu.example.com\n  config: hunter2-canary\n", "a.yaml:6:11: kubernetes-secret-yaml (config)"},
		{"an address with a password", "a.yaml", "kind: Secret\nmetadata: {labels: {argocd.argoproj.io/secret-type: repository}}\nstringData:\n  url: https://ci:hunter2-canary@git.example.com/a\n", "a.yaml:4:8: kubernetes-secret-yaml (url)"},
		{"a name in another Secret", "a.yaml", secret("stringData", "  name: hunter2-canary\n"), "a.yaml:5:9: kubernetes-secret-yaml (name)"},
		{"a Secret", "a.yaml", secret("data", "  password: "+encoded+"\n"), "a.yaml:5:13: kubernetes-secret-yaml (password)"},
		{"a Secret's text", "a.yaml", secret("stringData", "  password: hunter2-canary\n"), "a.yaml:5:13: kubernetes-secret-yaml (password)"},
		{"a Secret's text of many lines", "a.yaml", secret("stringData", "  a.conf: |\n    user=me\n    password=hunter2-canary\n"), "a.yaml:5:11: kubernetes-secret-yaml (a.conf)"},
		{"in the second document", "a.yaml", "a: b\n---\n" + secret("stringData", "  password: hunter2-canary\n"), "a.yaml:7:13: kubernetes-secret-yaml (password)"},
		{"in a list", "a.yaml", "kind: List\nitems:\n- kind: Secret\n  stringData: {password: hunter2-canary}\n", "a.yaml:4:26: kubernetes-secret-yaml (password)"},
		{"in JSON", "a.json", `{"kind": "Secret", "data": {"password": "` + encoded + `"}}`, "a.json:1:41: kubernetes-secret-yaml (password)"},
		{"two entries", "a.yaml", secret("stringData", "  user: admin\n  password: hunter2-canary\n"), "a.yaml:5:9: kubernetes-secret-yaml (user)\na.yaml:6:13: kubernetes-secret-yaml (password)"},
		{"an entry allowed by a comment", "a.yaml", secret("stringData", "  user: admin # gitleaks:allow\n"), ""},
		{"in a chart", "templates/a.yaml", "kind: Secret\nmetadata:\n  name: {{ .Release.Name }}\nstringData:\n  password: hunter2-canary\n  other: {{ .Values.other }}\n", "templates/a.yaml:5:13: kubernetes-secret-yaml (password)"},
		{"in a chart that is no YAML", "templates/a.yaml", "{{- if .Values.on }}\nkind: Secret\ndata:\n  password: " + encoded + "\n  other: {{ .Values.other }}\n  c: |\n{{- end }}\n---\nkind: ConfigMap\ndata:\n  a: hunter2-canary\n", "templates/a.yaml:4:1: kubernetes-secret-yaml (password)"},
		{"a generator's literal", "kustomization.yaml", "secretGenerator:\n- name: db\n  literals:\n  - password=hunter2-canary\n  - user=${USER}\n", "kustomization.yaml:4:5: kustomize-secret-literal (password)"},
		{"a ConfigMap", "a.yaml", "kind: ConfigMap\ndata: {password: hunter2-canary}\n", ""},
		{"no manifest", "a.md", secret("stringData", "  password: hunter2-canary\n"), ""},

		{"placeholders", "a.yaml", secret("stringData", "  a: \"\"\n  b: <password>\n  c: ${PASSWORD}\n  d: change-me\n  e: CHANGEME!\n  f: your password here\n  g: xxxxxx\n  h: <path:secret/data/db#password>\n  i: \"{{ .password }}\"\n  j: ref+vault://a/b\n  k: $(PASSWORD)\n  l: TODO\n  m: example\n  n: ~\n  o: op://ops/db/password\n  p: vault:secret/data/db#password\n"), ""},
		{"placeholders in base64", "a.yaml", secret("data", "  a: "+base64.StdEncoding.EncodeToString([]byte("changeme\n"))+"\n"), ""},
		{"what begins like a placeholder", "a.yaml", secret("stringData", "  a: xhunter2\n  b: exampled\n  c: my-p4ssw0rd\n"), "a.yaml:5:6: kubernetes-secret-yaml (a)\na.yaml:6:6: kubernetes-secret-yaml (b)\na.yaml:7:6: kubernetes-secret-yaml (c)"},

		{"SOPS", "a.yaml", secret("stringData", "  api_key: ENC[AES256_GCM,data:"+generic+",iv:"+generic+"=,tag:"+generic+"==,type:str]\nsops:\n    mac: ENC[AES256_GCM,data:"+generic+",iv:"+generic+",tag:"+generic+",type:str]\n"), ""},
		{"what SOPS left in clear", "a.yaml", "token: " + github + "\nsops:\n    mac: ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]\n", "a.yaml:1:8: github-pat"},
		{"a SealedSecret", "a.yaml", "kind: SealedSecret\nspec:\n  encryptedData:\n    api_key: " + random(700) + "\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := scanned(t, map[string]string{tt.file: tt.text}, scan.Ignored{})
			var lines []string
			for _, f := range found {
				lines = append(lines, f.String())
			}
			if got := strings.Join(lines, "\n"); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			hidden(t, found)
		})
	}
}

// random is like what kubeseal makes.
func random(n int) string {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(rand.N(256))
	}
	return base64.StdEncoding.EncodeToString(data)
}

// hidden checks that no report tells a value.
func hidden(t *testing.T, found []scan.Finding) {
	t.Helper()
	report := scan.Report{Findings: found}
	var sarif bytes.Buffer
	if err := report.SARIF(&sarif, "1"); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(report)
	if err != nil {
		t.Fatal(err)
	}
	all := sarif.String() + string(text) + fmt.Sprint(found)
	for _, value := range []string{awsKey, github, generic, encoded, "hunter2", "MIIEpAIBAAKCAQEA"} {
		if strings.Contains(all, value) {
			t.Errorf("%q is told in\n%s", value, all)
		}
	}
}

func TestIgnored(t *testing.T) {
	files := map[string]string{"a.tf": "\nkey = \"" + awsKey + "\"\n", "b.tf": "key = \"" + awsKey + "\"\n"}
	var byFile, byUs, byGitleaks scan.Ignored
	byFile.AddFile([]byte("# known\n\na.tf:aws-access-token:2\n"))
	ours, err := json.Marshal(scanned(t, files, scan.Ignored{})[:1])
	if err != nil {
		t.Fatal(err)
	}
	for _, add := range []error{
		byUs.AddBaseline(ours),
		byGitleaks.AddBaseline([]byte(`[{"RuleID": "aws-access-token", "File": "a.tf", "StartLine": 2, "Fingerprint": "a.tf:aws-access-token:2"}]`)),
	} {
		if add != nil {
			t.Fatal(add)
		}
	}
	for name, ignored := range map[string]scan.Ignored{"file": byFile, "our baseline": byUs, "gitleaks' baseline": byGitleaks} {
		if found := scanned(t, files, ignored); len(found) != 1 || found[0].Path != "b.tf" {
			t.Errorf("%s: found %v", name, found)
		}
	}
	for _, text := range []string{"x", "{}", `[{"file": "a"}]`} {
		if new(scan.Ignored).AddBaseline([]byte(text)) == nil {
			t.Errorf("%s is taken for a baseline", text)
		}
	}
}

func TestRules(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]string{
		"[[rules]]\nid = \"x\"\nregex = '''(['''\n":                    "missing closing ]",
		"[extend]\npath = \"/etc/passwd\"\n":                           "give a path within the repository",
		"[extend]\npath = \"../other.toml\"\n":                         "there is no ../other.toml",
		"nonsense":                                                     "toml",
		"[[rules]]\nid = \"x\"\nregex = '''a'''\n[[rules.allowlists]]": "must contain at least one check",
	} {
		if _, err := scan.ParseRules([]byte(text), ".gitleaks.toml", dir); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), ".gitleaks.toml: ") {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("a.yaml", "kind: Secret\ndata:\n  a: b\n")
	f.Add("a.yaml", "kind: Secret\ndata:\n  {{ x }}\n  a: b\n---\nb: *c")
	f.Add("kustomization.yaml", "secretGenerator:\n- literals: [a=b]\n")
	rules := scan.DefaultRules()
	scanner := scan.New(rules, scan.Ignored{})
	f.Fuzz(func(t *testing.T, name, text string) {
		tree := fstest.MapFS{"f/" + strings.ReplaceAll(strings.ReplaceAll(name, "/", ""), "\x00", ""): {Data: []byte(text)}}
		report, err := scanner.Tree(context.Background(), tree, "f", walk.Options{})
		if err != nil {
			return // no name of a file
		}
		for _, found := range report.Findings {
			if lines := strings.Count(text, "\n") + 1; found.Line > lines || found.EndLine > lines+1 {
				t.Errorf("%s, of %d lines: %+v", name, lines, found)
			}
		}
	})
}

// BenchmarkTree looks into 1,000 files as a repository of manifests has them.
func BenchmarkTree(b *testing.B) {
	rules := scan.DefaultRules()
	tree := fstest.MapFS{}
	for i := range 1000 {
		text := fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app-%d\nspec:\n  template:\n    spec:\n      containers:\n", i)
		for j := range 20 {
			text += fmt.Sprintf("      - name: c%d\n        image: registry.example.com/app:%d.%d\n        env:\n        - {name: TOKEN, valueFrom: {secretKeyRef: {name: app, key: token}}}\n", j, i, j)
		}
		tree[fmt.Sprintf("apps/%d/deployment.yaml", i)] = &fstest.MapFile{Data: []byte(text)}
	}
	scanner := scan.New(rules, scan.Ignored{})
	b.ResetTimer()
	for b.Loop() {
		report, err := scanner.Tree(context.Background(), tree, ".", walk.Options{})
		if err != nil || report.Files != 1000 || len(report.Findings) > 0 {
			b.Fatal(err, report)
		}
	}
}
