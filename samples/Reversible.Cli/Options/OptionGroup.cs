using System.CommandLine;

namespace Microsoft.ML.Reversible.Cli.Options;

/// <summary>A group of options with its title in the help.</summary>
internal sealed record OptionGroup(string Title, IReadOnlyList<Option> Options);
