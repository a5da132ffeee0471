package testenv

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/tidelock-io/tidelock/agent/controlplane/process"
)

// giteaModule is the release of Gitea that is run.
const giteaModule = "code.gitea.io/gitea@v1.26.0"

// giteaReady bounds the start of a Gitea, which takes three seconds on a machine that
// has nothing else to do.
const giteaReady = 5 * time.Minute

// giteaOwner is the user whose token all is done with.
const giteaOwner = "ada"

// A GiteaBuild is a program and the files that it needs at its run.
type GiteaBuild struct{ Program, Files string }

// GiteaTool builds Gitea, unless it was built before. Its database needs a C compiler, and
// the first time takes minutes.
func GiteaTool(ctx context.Context) (GiteaBuild, error) {
	var module struct{ Dir, Error string }
	text, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", giteaModule).Output()
	if json.Unmarshal(text, &module) != nil || module.Dir == "" {
		return GiteaBuild{}, fmt.Errorf("get %s: %w: %s", giteaModule, err, module.Error)
	}
	program, err := built(strings.NewReplacer("/", "_", "@", "_").Replace(giteaModule), "gitea", func(dir string) error {
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-tags", "sqlite sqlite_unlock_notify", "-ldflags", "-s -w", "-o", filepath.Join(dir, "gitea"), ".")
		cmd.Dir = module.Dir
		cmd.Env = append(os.Environ(), "GOFLAGS=", "CGO_ENABLED=1")
		if output, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", giteaModule, err, bytes.TrimSpace(output))
		}
		return nil
	})
	return GiteaBuild{program, module.Dir}, err
}

// A Gitea is a server with one user.
type Gitea struct {
	URL string
	// User and Token log in, to its API and to its repositories.
	User, Token string
	Log         string // path of the file with what it printed

	process *process.Process
}

// giteaConfig is filled with its directory, its port, twice, and its files. It may send
// webhooks to this machine, which it does not by itself.
const giteaConfig = `RUN_MODE = prod
I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true
WORK_PATH = %[1]s
[database]
DB_TYPE = sqlite3
PATH = %[1]s/gitea.db
[server]
HTTP_ADDR = 127.0.0.1
HTTP_PORT = %[2]s
ROOT_URL = http://127.0.0.1:%[2]s/
OFFLINE_MODE = true
DISABLE_SSH = true
STATIC_ROOT_PATH = %[3]s
[repository]
ROOT = %[1]s/repositories
[security]
INSTALL_LOCK = true
[webhook]
ALLOWED_HOST_LIST = loopback
[api]
MAX_RESPONSE_ITEMS = 1
DEFAULT_PAGING_NUM = 1
[log]
MODE = console
LEVEL = Info
`

// StartGitea runs a Gitea that keeps its data in dir, and lists one thing at a time.
func StartGitea(ctx context.Context, build GiteaBuild, dir string) (*Gitea, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	address, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	g := &Gitea{URL: "http://" + address, User: giteaOwner, Log: filepath.Join(dir, "gitea.log")}
	_, port, _ := strings.Cut(address, ":")
	config := filepath.Join(dir, "app.ini")
	if err := os.WriteFile(config, fmt.Appendf(nil, giteaConfig, dir, port, build.Files), 0o600); err != nil {
		return nil, err
	}
	command := func(ctx context.Context, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, build.Program, append([]string{"--config", config}, args...)...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "GIT_CONFIG_NOSYSTEM=1"}
		return cmd
	}
	if output, err := command(ctx, "migrate").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("gitea migrate: %w\n%s", err, output)
	}
	output, err := command(ctx, "admin", "user", "create", "--admin", "--username", g.User, "--email", "ada@example.com", "--random-password",
		"--must-change-password=false", "--access-token", "--access-token-scopes", "all").CombinedOutput()
	words := strings.Fields(string(output))
	if err != nil || len(words) == 0 {
		return nil, fmt.Errorf("gitea admin user create: %w\n%s", err, output)
	}
	g.Token = words[len(words)-1]
	if g.process, err = start("gitea", command(context.WithoutCancel(ctx), "web"), g.Log); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, giteaReady)
	defer cancel()
	if err := g.process.AwaitUp(ctx, func(ctx context.Context) bool { return g.Call(ctx, "GET", "/version", "") == nil }); err != nil {
		g.process.Kill()
		return nil, err
	}
	return g, nil
}

// Stop ends it.
func (g *Gitea) Stop() error { return g.process.Stop() }

// Call calls its API, below /api/v1, with a body of JSON, if any.
func (g *Gitea) Call(ctx context.Context, method, path, body string) error {
	request, err := http.NewRequestWithContext(ctx, method, g.URL+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "token "+g.Token)
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %.500s", method, path, response.Status, text)
	}
	return err
}

// Push makes a commit of files alone, on top of a branch of OWNER/NAME if there is one,
// and pushes it over HTTP, with the token.
func (g *Gitea) Push(ctx context.Context, repo, name string, files map[string]string) (commit string, err error) {
	return g.push(ctx, repo, name, files, "push", "--quiet", "origin", name)
}

// Tag tags what a branch of OWNER/NAME is at, with a message.
func (g *Gitea) Tag(ctx context.Context, repo, name, tag string) error {
	_, err := g.push(ctx, repo, name, nil, "push", "--quiet", "origin", "refs/tags/"+tag)
	return err
}

// push clones a repository, writes files, if any, else makes the tag that is pushed.
func (g *Gitea) push(ctx context.Context, repo, name string, files map[string]string, push ...string) (commit string, err error) {
	dir, err := os.MkdirTemp(filepath.Dir(g.Log), ".clone-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	at, err := url.Parse(g.URL + "/" + repo + ".git")
	if err != nil {
		return "", err
	}
	at.User = url.UserPassword(g.User, g.Token)
	run := func(args ...string) {
		if err == nil {
			commit, err = git(ctx, dir, args...)
		}
	}
	run("clone", "--quiet", "--no-checkout", at.String(), ".")
	if run("ls-remote", "--heads", "origin", name); commit != "" {
		run("checkout", "--quiet", "-B", name, "origin/"+name)
	} else {
		run("checkout", "--quiet", "-B", name)
	}
	if files == nil {
		run("tag", "--annotate", "--message", "release", strings.TrimPrefix(push[len(push)-1], "refs/tags/"))
	} else {
		run("rm", "-r", "--quiet", "--ignore-unmatch", ".")
		if err == nil {
			err = (&Repository{WorkTree: dir}).WriteAll(files)
		}
		run("add", "--all")
		run("commit", "--quiet", "--message", "change "+name)
	}
	run(push...)
	run("rev-parse", "HEAD")
	return strings.TrimSpace(commit), err
}
