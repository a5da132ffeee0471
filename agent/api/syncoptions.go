package api

import (
	"slices"
	"strings"
)

// SyncOptions are options of the form Name=value. They are compared exactly, as Argo
// CD does: CreateNamespace=True is no option. [Lint] finds such near misses.
type SyncOptions []string

// Sync options. All but Force may be set on an Application; those marked (object)
// may also stand in the sync-options annotation of an object.
const (
	SyncOptionCreateNamespace               = "CreateNamespace=true"
	SyncOptionPruneLast                     = "PruneLast=true"                   // object
	SyncOptionPruneFalse                    = "Prune=false"                      // object
	SyncOptionPruneConfirm                  = "Prune=confirm"                    // object
	SyncOptionDeleteFalse                   = "Delete=false"                     // object
	SyncOptionDeleteConfirm                 = "Delete=confirm"                   // object
	SyncOptionReplace                       = "Replace=true"                     // object
	SyncOptionReplaceFalse                  = "Replace=false"                    // object
	SyncOptionForce                         = "Force=true"                       // object only
	SyncOptionServerSideApply               = "ServerSideApply=true"             // object
	SyncOptionServerSideApplyFalse          = "ServerSideApply=false"            // object
	SyncOptionClientSideApplyMigration      = "ClientSideApplyMigration=true"    // object
	SyncOptionClientSideApplyMigrationFalse = "ClientSideApplyMigration=false"   // object
	SyncOptionValidateFalse                 = "Validate=false"                   // object
	SyncOptionSkipDryRunOnMissingResource   = "SkipDryRunOnMissingResource=true" // object
	SyncOptionApplyOutOfSyncOnly            = "ApplyOutOfSyncOnly=true"
	SyncOptionRespectIgnoreDifferences      = "RespectIgnoreDifferences=true"
	SyncOptionFailOnSharedResource          = "FailOnSharedResource=true"
	SyncOptionPruneForeground               = "PrunePropagationPolicy=foreground"
	SyncOptionPruneBackground               = "PrunePropagationPolicy=background"
	SyncOptionPruneOrphan                   = "PrunePropagationPolicy=orphan"
)

// Compare options of the compare-options annotation.
const (
	CompareOptionIgnoreExtraneous       = "IgnoreExtraneous"            // on an object
	CompareOptionServerSideDiff         = "ServerSideDiff=true"         // on an Application
	CompareOptionServerSideDiffFalse    = "ServerSideDiff=false"        // on an Application
	CompareOptionIncludeMutationWebhook = "IncludeMutationWebhook=true" // on an Application
)

// Has reports whether the option is set, as it is written.
func (o SyncOptions) Has(option string) bool {
	return slices.Contains(o, option)
}

// Value returns what stands behind "name=" in the first option of that name that
// has a value, or "".
func (o SyncOptions) Value(name string) string {
	for _, option := range o {
		if value, ok := strings.CutPrefix(option, name+"="); ok && value != "" {
			return value
		}
	}
	return ""
}

// ParseSyncOptions splits the value of a sync-options or compare-options annotation.
func ParseSyncOptions(annotation string) SyncOptions {
	return SyncOptions(ParseList(annotation))
}

// ParseList splits an annotation's comma-separated list. Space around entries is
// dropped, and so are empty entries.
func ParseList(annotation string) []string {
	var list []string
	for entry := range strings.SplitSeq(annotation, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			list = append(list, entry)
		}
	}
	return list
}
