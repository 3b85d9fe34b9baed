using System.CommandLine;

namespace Microsoft.ML.Reversible.Cli.Options;

/// <summary>Options under one title of the help.</summary>
internal sealed record OptionGroup(string Title, IReadOnlyList<Option> Options);
