using System.CommandLine;
using Microsoft.ML.Reversible.Cli.Options;
using Microsoft.ML.Reversible.Training;

namespace Microsoft.ML.Reversible.Cli.Verbs;

/// <summary>One verb of the command line.</summary>
internal abstract class Verb
{
    private const string DeviceName = "--device";

    private readonly Option<bool> _fallsBack = new("--fallback-to-cpu")
    {
        Description = "Computes on the CPU, with a warning, if there is no such GPU. Default: false, which is an error.",
        Arity = ArgumentArity.Zero,
    };

    private protected Verb(Terminal terminal, string name, string description, string usage, params OptionGroup[] groups)
    {
        (Terminal, Usage, Groups) = (terminal, usage, [.. groups.Select(WithFallback)]);
        Command = new System.CommandLine.Command(name, description);
        foreach (Option option in Groups.SelectMany(group => group.Options))
        {
            Command.Options.Add(option);
            option.Validators.Add(result =>
            {
                if (Mistake.IsGivenTwice(result)) result.AddError($"{option.Name} is given twice.");
            });
        }
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

    /// <summary>Creates a context with a fixed seed, which shows warnings on standard error.</summary>
    /// <exception cref="UsageException">--fallback-to-cpu has no effect.</exception>
    private protected MLContext Context(ParseResult parsed)
    {
        bool fallsBack = parsed.GetValue(_fallsBack);
        if (fallsBack && !Command.Options.Any(option => IsDevice(option) && Devices.IsGpu(parsed.GetValue<string?>(option.Name))))
            throw new UsageException($"{_fallsBack.Name} has no effect on the CPU. Leave it out, or set {DeviceName} to cuda.");
        var ml = new MLContext(seed: 1) { FallbackToCpu = fallsBack };
        ml.Log += (_, e) =>
        {
            if (e.Kind >= Runtime.ChannelMessageKind.Warning) Terminal.Error.WriteLine(Kebab.Translate(e.RawMessage));
        };
        return ml;
    }

    private static bool IsDevice(Option option) => option.Name.EndsWith("-device", StringComparison.Ordinal);

    /// <summary>Returns a group with the option to fall back after that of the device.</summary>
    private OptionGroup WithFallback(OptionGroup group) => group with
    {
        Options = [.. group.Options.SelectMany(option => option.Name == DeviceName ? new[] { option, _fallsBack } : [option])],
    };
}
