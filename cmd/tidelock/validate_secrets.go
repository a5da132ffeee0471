package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/tidelock-io/tidelock/render/validate"
	"github.com/tidelock-io/tidelock/secrets/check"
	"github.com/tidelock-io/tidelock/secrets/scan"
	"github.com/tidelock-io/tidelock/secrets/sealed"
	"github.com/tidelock-io/tidelock/secrets/walk"
)

// secrets looks at all files for secrets in clear, and at what is encrypted.
func (v *validation) secrets(ctx context.Context) error {
	if err := v.inClear(); err != nil {
		return err
	}
	keys, end, err := v.secretKeys(ctx)
	if err != nil {
		return err
	}
	defer end()
	for _, part := range v.parts {
		result, err := check.Tree(ctx, v.tree, part, walk.Options{}, *keys)
		if err != nil {
			return err
		}
		v.deployed(ctx, result, *keys)
		result.Sort()
		for _, f := range result.Findings {
			v.findings = append(v.findings, v.encryptedFinding(f))
		}
	}
	return nil
}

// inClear takes over what secrets scan finds, and what charts make Secrets of.
func (v *validation) inClear() error {
	reports, err := v.scan.wait()
	if err != nil {
		return err
	}
	for _, report := range reports {
		for _, f := range report.Findings {
			if !secondary(f, report.Findings) {
				v.findings = append(v.findings, leakedFinding(f))
			}
		}
	}
	v.findings = append(v.findings, v.chartValues()...)
	v.findings = slices.DeleteFunc(v.findings, func(f validate.Finding) bool {
		return f.Rule == validate.RuleSecretConfig && slices.ContainsFunc(v.findings, func(g validate.Finding) bool {
			return g.Rule == validate.RuleSecretLeaked && g.File == f.File && g.Line == f.Line
		})
	})
	return nil
}

// secondary says whether a pattern is within the value of a Secret that is found
// as such.
func secondary(f scan.Finding, all []scan.Finding) bool {
	return !f.OfSecret() && slices.ContainsFunc(all, func(g scan.Finding) bool {
		return g.OfSecret() && g.Path == f.Path && g.Line <= f.Line && f.Line <= max(g.Line, g.EndLine)
	})
}

// leakedFinding says which rule and where, and nothing of the value.
func leakedFinding(f scan.Finding) validate.Finding {
	out := validate.Finding{Rule: validate.RuleSecretLeaked, Severity: validate.Error, File: f.Path, Line: f.Line}
	if !f.OfSecret() {
		out.Message = fmt.Sprintf("gitleaks' rule %s: %s", f.Rule, plainSentence(f.Description))
		out.Hint = "encrypt it, and change it if it was ever pushed; one that is none is allowed by a comment gitleaks:allow"
		return out
	}
	out.Rule, out.Message = validate.RuleSecretPlain, plainSentence(f.Description)
	if f.Item != "" {
		out.Message += ": " + f.Item
	}
	out.Hint = "tidelock secrets encrypt, or seal, and change it if it was ever pushed"
	return out
}

// plainSentence is as much of a description as says what it is.
func plainSentence(text string) string {
	text, _, _ = strings.Cut(text, ",")
	text = strings.TrimSuffix(text, ".")
	if len(text) > 1 && text[1] >= 'a' && text[1] <= 'z' || strings.HasPrefix(text, "A ") {
		text = strings.ToLower(text[:1]) + text[1:]
	}
	return text
}

// secretKeys are those that are given. Without any, what opens a file is not asked.
func (v *validation) secretKeys(ctx context.Context) (*check.Keys, func(), error) {
	o := secretsCheckOptions{recipients: v.options.recipients, local: v.options.open, open: v.options.open, sealingKeys: v.options.sealing}
	if o.recipients == "" && !o.local {
		keys, err := readSealingKeys(o.sealingKeys)
		if err != nil {
			return nil, nil, err
		}
		return &check.Keys{Unknown: true, OpenSealed: openSealed(keys)}, func() {}, nil
	}
	return o.keys(ctx, io.Discard)
}

// deployed looks at SealedSecrets as Applications deploy them.
func (v *validation) deployed(ctx context.Context, result *check.Result, keys check.Keys) {
	for _, r := range v.rendered {
		if r.result == nil || r.prefix != "." {
			continue
		}
		by := r.name
		if by == "" {
			by = path.Dir(r.origin.File)
		}
		for _, o := range r.result.Set {
			if sealed.IsKind(o) {
				result.Deployed(ctx, by, o, keys)
			}
		}
	}
}

// encryptedRules are ours for the kinds of findings of package check.
var encryptedRules = map[string]string{
	check.NoKey: validate.RuleSecretUnopened, check.Damaged: validate.RuleSecretUnopened,
	check.OtherRecipients: validate.RuleSecretRecipients, check.OtherPart: validate.RuleSecretPart,
	check.NotEncrypted: validate.RuleSecretUnencrypted, check.Malformed: validate.RuleSecretMalformed,
	check.Scope: validate.RuleSealedScope,
}

func (v *validation) encryptedFinding(f check.Finding) validate.Finding {
	out := validate.Finding{Rule: encryptedRules[f.Kind], File: f.Path, Line: f.Line, Message: f.Message}
	rule, _ := validate.RuleNamed(out.Rule)
	out.Severity = rule.Severity
	if message, hint, ok := strings.Cut(f.Message, " (hint: "); ok {
		out.Message, out.Hint = message, strings.TrimSuffix(hint, ")")
	}
	if out.Line == 0 {
		if text, err := fs.ReadFile(v.tree, f.Path); err == nil {
			out.Line = fileLineOf(f.Kind, text)
		}
	}
	return out
}

// fileLineOf is where a file says for whom it is encrypted; of others it is the
// first line with content.
func fileLineOf(kind string, text []byte) int {
	first, n := 1, 0
	for line := range bytes.Lines(text) {
		n++
		trimmed := bytes.TrimSpace(line)
		if kind != check.NotEncrypted && (bytes.HasPrefix(trimmed, []byte("sops:")) || bytes.HasPrefix(trimmed, []byte(`"sops":`)) || bytes.HasPrefix(trimmed, []byte("sops_")) || bytes.Equal(trimmed, []byte("[sops]"))) {
			return n
		}
		if first == n && (len(trimmed) == 0 || trimmed[0] == '#' || bytes.HasPrefix(trimmed, []byte("---"))) {
			first++
		}
	}
	return min(first, max(n, 1))
}
