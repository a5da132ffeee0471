package api

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// roleName is what a role of a project may be called.
var roleName = regexp.MustCompile(`^[a-zA-Z0-9]([-_a-zA-Z0-9]*[a-zA-Z0-9])?$`)

// maxDescription bounds descriptions, in characters.
const maxDescription = 255

// ValidateProject returns what Argo CD would refuse in a project. See
// [ValidateApplication] for the form.
func ValidateProject(project *AppProject) field.ErrorList {
	spec, p := &project.Spec, field.NewPath("spec")
	errs := validateDestinations(spec.Destinations, p.Child("destinations"))
	errs = append(errs, validatePatterns(spec.SourceRepos, p.Child("sourceRepos"))...)
	errs = append(errs, validatePatterns(spec.SourceNamespaces, p.Child("sourceNamespaces"))...)
	errs = append(errs, validateRoles(spec.Roles, p.Child("roles"))...)
	errs = append(errs, validateDescription(spec.Description, p.Child("description"))...)
	for i := range spec.SyncWindows {
		errs = append(errs, ValidateSyncWindow(&spec.SyncWindows[i], p.Child("syncWindows").Index(i))...)
	}
	for i := range spec.DestinationServiceAccounts {
		errs = append(errs, validateServiceAccount(&spec.DestinationServiceAccounts[i], p.Child("destinationServiceAccounts").Index(i))...)
	}
	return append(errs, validateIntegrity(spec.SourceIntegrity, p.Child("sourceIntegrity", "git", "policies"))...)
}

// ValidateSyncWindow checks a window, but for the cron fields' own syntax and for the
// time zone, which package window reads.
func ValidateSyncWindow(w *SyncWindow, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	if w.Kind != WindowAllow && w.Kind != WindowDeny {
		errs = append(errs, field.NotSupported(p.Child("kind"), w.Kind, []WindowKind{WindowAllow, WindowDeny}))
	}
	if n := cronFields(w.Schedule); n != 5 {
		errs = append(errs, field.Invalid(p.Child("schedule"), w.Schedule, fmt.Sprintf("has %d fields; a schedule has five: minute, hour, day, month, weekday", n)))
	}
	if _, err := time.ParseDuration(w.Duration); err != nil {
		errs = append(errs, field.Invalid(p.Child("duration"), w.Duration, "must be a duration like 1h30m"))
	}
	if len(w.Applications)+len(w.Namespaces)+len(w.Clusters) == 0 {
		errs = append(errs, field.Required(p, "applications, namespaces or clusters is needed, or the window matches nothing"))
	}
	return append(errs, validateDescription(w.Description, p.Child("description"))...)
}

// cronFields counts a schedule's fields, not counting a leading TZ=zone.
func cronFields(schedule string) int {
	fields := strings.Fields(schedule)
	if len(fields) > 0 && (strings.HasPrefix(fields[0], "TZ=") || strings.HasPrefix(fields[0], "CRON_TZ=")) {
		return len(fields) - 1
	}
	return len(fields)
}

func validateDestinations(destinations []Destination, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	seen := map[Destination]bool{}
	for i, d := range destinations {
		p := p.Index(i)
		errs = append(errs, validatePattern(d.Server, p.Child("server"))...)
		errs = append(errs, validatePattern(d.Name, p.Child("name"))...)
		errs = append(errs, validatePattern(d.Namespace, p.Child("namespace"))...)
		if seen[d] {
			errs = append(errs, field.Duplicate(p, d))
		}
		seen[d] = true
	}
	return errs
}

func validatePatterns(patterns []string, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	seen := map[string]bool{}
	for i, pattern := range patterns {
		errs = append(errs, validatePattern(pattern, p.Index(i))...)
		if seen[pattern] {
			errs = append(errs, field.Duplicate(p.Index(i), field.OmitValueType{}))
		}
		seen[pattern] = true
	}
	return errs
}

func validatePattern(pattern string, p *field.Path) field.ErrorList {
	if pattern == "!*" {
		return field.ErrorList{field.Invalid(p, pattern, "denies everything")}
	}
	return nil
}

func validateRoles(roles []Role, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	seen := map[string]bool{}
	for i, role := range roles {
		p := p.Index(i).Child("name")
		if !roleName.MatchString(role.Name) {
			errs = append(errs, field.Invalid(p, role.Name, "only letters, digits, _ and - are allowed, with a letter or digit at both ends"))
		}
		if seen[role.Name] {
			errs = append(errs, field.Duplicate(p, role.Name))
		}
		seen[role.Name] = true
	}
	return errs
}

func validateServiceAccount(a *DestinationServiceAccount, p *field.Path) field.ErrorList {
	var errs field.ErrorList
	if strings.Contains(a.Server, "!") {
		errs = append(errs, field.Invalid(p.Child("server"), a.Server, "cannot deny"))
	}
	if strings.Contains(a.Namespace, "!") {
		errs = append(errs, field.Invalid(p.Child("namespace"), a.Namespace, "cannot deny"))
	}
	if account := a.DefaultServiceAccount; strings.TrimSpace(account) == "" || strings.ContainsAny(account, `!*[]{}\/`) {
		errs = append(errs, field.Invalid(p.Child("defaultServiceAccount"), account, "must be name or namespace:name"))
	}
	return errs
}

func validateIntegrity(integrity *SourceIntegrity, p *field.Path) field.ErrorList {
	if integrity == nil || integrity.Git == nil {
		return nil
	}
	var errs field.ErrorList
	modes := []GPGMode{GPGModeNone, GPGModeHead, GPGModeStrict}
	for i, policy := range integrity.Git.Policies {
		if gpg := policy.GPG; gpg != nil && gpg.Mode != GPGModeNone && gpg.Mode != GPGModeHead && gpg.Mode != GPGModeStrict {
			errs = append(errs, field.NotSupported(p.Index(i).Child("gpg", "mode"), gpg.Mode, modes))
		}
	}
	return errs
}

func validateDescription(text string, p *field.Path) field.ErrorList {
	if utf8.RuneCountInString(text) > maxDescription {
		return field.ErrorList{invalid(p, fmt.Sprintf("longer than %d characters", maxDescription))}
	}
	return nil
}
