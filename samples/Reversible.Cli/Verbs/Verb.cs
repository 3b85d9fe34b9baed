using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Options;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>One verb of the command line.</summary>
internal abstract class Verb
{
    private protected Verb(Terminal terminal, string name, string description, string usage, params OptionGroup[] groups)
    {
        (Terminal, Usage, Groups) = (terminal, usage, groups);
        Command = new System.CommandLine.Command(name, description);
        foreach (Option option in groups.SelectMany(group => group.Options)) Command.Options.Add(option);
    }

    /// <summary>The command that carries the options.</summary>
    public System.CommandLine.Command Command { get; }

    /// <summary>The arguments in the usage line of the help.</summary>
    public string Usage { get; }

    /// <summary>The options, in the groups of the help.</summary>
    public IReadOnlyList<OptionGroup> Groups { get; }

    /// <summary>Examples: what each does, and the arguments after the program's name.</summary>
    public abstract IReadOnlyList<(string What, string Command)> Examples { get; }

    private protected Terminal Terminal { get; }

    /// <summary>Runs the verb.</summary>
    /// <returns>The exit code.</returns>
    public abstract int Run(ParseResult parsed, CancellationToken cancellationToken);

    /// <summary>The option that turns results into lines of JSON.</summary>
    private protected static Option<bool> JsonOption(string fields) => new("--json")
    {
        Description = $"Writes only lines of JSON to standard output, with the fields {fields}; messages go to standard error.",
        HelpName = null,
        Arity = ArgumentArity.Zero,
    };

    /// <summary>Creates a context with a fixed seed that does not fall back to the CPU if the GPU is missing.</summary>
    private protected MLContext Context()
    {
        var ml = new MLContext(seed: 1) { FallbackToCpu = false };
        ml.Log += (_, e) =>
        {
            if (e.Kind >= Runtime.ChannelMessageKind.Warning) Terminal.Error.WriteLine(e.RawMessage);
        };
        return ml;
    }
}
