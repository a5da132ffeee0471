package scan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
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
	config string // path of the configuration, which is not looked into
	// id tells the rules from all others that this program may be given; "" for those
	// of which a text says only a part.
	id      string
	compile func() (*patterns, error)
}

// Patterns are rules as they are looked for.
type patterns struct {
	detector *detect.Detector
	allowed  []*config.Allowlist
	secret   config.Rule // of manifests
	noSecret bool        // it is disabled
	extends  bool        // another file, which says more
}

var defaultRules = &Rules{id: "default", compile: sync.OnceValues(func() (*patterns, error) { return parse([]byte(config.DefaultConfig), "", "") })}

// DefaultRules are those that come with gitleaks. They take a while to compile, and
// are once a text is looked into.
func DefaultRules() *Rules { return defaultRules }

// ParseRules reads a .gitleaks.toml at a path of a repository. What it extends
// must lie in the directory root of the disk.
func ParseRules(text []byte, at, root string) (*Rules, error) {
	compiled, err := parse(text, at, root)
	if err != nil {
		return nil, err
	}
	r := &Rules{config: at, compile: func() (*patterns, error) { return compiled, nil }}
	if !compiled.extends {
		sum := sha256.Sum256(text)
		r.id = hex.EncodeToString(sum[:])
	}
	return r, nil
}

// loading guards gitleaks' package variables.
var loading sync.Mutex

func parse(text []byte, at, root string) (p *patterns, err error) {
	loading.Lock()
	defer loading.Unlock()
	defer func() {
		// gitleaks panics on patterns that do not compile.
		if broken := recover(); broken != nil {
			err = fmt.Errorf("%v", broken)
		}
		if err != nil {
			p, err = nil, fmt.Errorf("%s: %w", at, err)
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
	p = &patterns{allowed: all.Allowlists, extends: stated.Extend.Path != ""}
	p.secret = all.Rules[secretRule]
	for _, id := range stated.Extend.DisabledRules {
		p.noSecret = p.noSecret || id == secretRule
	}
	delete(all.Rules, secretRule)
	p.detector = detect.NewDetector(all)
	p.detector.MaxDecodeDepth = maxDecoding
	return p, nil
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
func (p *patterns) allows(at, commit, value string) bool {
	for _, list := range [][]*config.Allowlist{p.allowed, p.secret.Allowlists} {
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
