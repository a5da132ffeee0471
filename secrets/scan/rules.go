package scan

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/rs/zerolog"
	"github.com/spf13/viper"
	"github.com/zricethezav/gitleaks/v8/config"
	"github.com/zricethezav/gitleaks/v8/detect"
	"github.com/zricethezav/gitleaks/v8/logging"
)

// ConfigFile is where gitleaks' rules are changed, at the root of a repository.
const ConfigFile = ".gitleaks.toml"

// secretRule is gitleaks' rule for manifests of Secrets, in whose place is a
// parser here. It keeps its name, by which it can be disabled and allowed.
const secretRule = "kubernetes-secret-yaml"

// maxDecoding is how often what is encoded is decoded: as with gitleaks.
const maxDecoding = 5

// Rules are gitleaks' rules, and exceptions from them.
type Rules struct {
	detector *detect.Detector
	allowed  []*config.Allowlist
	secret   config.Rule // of manifests
	noSecret bool        // it is disabled
	config   string      // path of the configuration, which is not looked into
}

// DefaultRules are those that come with gitleaks. They take a while to compile,
// and are compiled once.
var DefaultRules = sync.OnceValues(func() (*Rules, error) { return parse([]byte(config.DefaultConfig), "", "") })

// ParseRules reads a .gitleaks.toml at a path of a repository. What it extends
// must lie in the directory root of the disk.
func ParseRules(text []byte, at, root string) (*Rules, error) { return parse(text, at, root) }

// loading guards gitleaks' package variables.
var loading sync.Mutex

func parse(text []byte, at, root string) (r *Rules, err error) {
	loading.Lock()
	defer loading.Unlock()
	defer func() {
		// gitleaks panics on patterns that do not compile.
		if broken := recover(); broken != nil {
			err = fmt.Errorf("%v", broken)
		}
		if err != nil {
			r, err = nil, fmt.Errorf("%s: %w", at, err)
		}
	}()
	logging.Logger = zerolog.Nop() // it tells secrets
	in := viper.New()
	in.SetConfigType("toml")
	if err := in.ReadConfig(bytes.NewReader(text)); err != nil {
		return nil, err
	}
	var stated config.ViperConfig
	if err := in.Unmarshal(&stated); err != nil {
		return nil, err
	}
	if stated.Extend.Path, err = inside(root, path.Dir(at), stated.Extend.Path); err != nil {
		return nil, err
	}
	all, err := stated.Translate()
	if err != nil {
		return nil, err
	}
	r = &Rules{allowed: all.Allowlists, config: at}
	r.secret = all.Rules[secretRule]
	for _, id := range stated.Extend.DisabledRules {
		r.noSecret = r.noSecret || id == secretRule
	}
	delete(all.Rules, secretRule)
	r.detector = detect.NewDetector(all)
	r.detector.MaxDecodeDepth = maxDecoding
	return r, nil
}

// inside makes the path of what is extended absolute. A repository must not make
// us read what lies outside of it.
func inside(root, dir, extends string) (string, error) {
	if extends == "" {
		return "", nil
	}
	if filepath.IsAbs(extends) || root == "" {
		return "", errors.New("extend.path: give a path within the repository")
	}
	real, err := filepath.EvalSymlinks(filepath.Join(root, filepath.FromSlash(dir), filepath.FromSlash(extends)))
	if err != nil {
		return "", fmt.Errorf("extend.path: there is no %s", extends)
	}
	if below, err := filepath.Rel(root, real); err != nil || below == ".." || strings.HasPrefix(below, ".."+string(filepath.Separator)) {
		return "", errors.New("extend.path: it leads out of the repository")
	}
	return real, nil
}

// allows says whether an exception is for an entry of a Secret.
func (r *Rules) allows(at, commit, value string) bool {
	for _, list := range [][]*config.Allowlist{r.allowed, r.secret.Allowlists} {
		for _, a := range list {
			if allows(a, at, commit, value) {
				return true
			}
		}
	}
	return false
}

func allows(a *config.Allowlist, at, commit, value string) bool {
	byCommit, _ := a.CommitAllowed(commit)
	byWord, _ := a.ContainsStopWord(value)
	checks := map[bool]int{}
	for _, check := range []struct{ stated, met bool }{
		{len(a.Commits) > 0, byCommit},
		{len(a.Paths) > 0, a.PathAllowed(at)},
		// Other targets than the secret have no meaning here.
		{len(a.Regexes) > 0, a.RegexTarget == "" && a.RegexAllowed(value)},
		{len(a.StopWords) > 0, byWord},
	} {
		if check.stated {
			checks[check.met]++
		}
	}
	if a.MatchCondition == config.AllowlistMatchAnd {
		return checks[false] == 0
	}
	return checks[true] > 0
}
