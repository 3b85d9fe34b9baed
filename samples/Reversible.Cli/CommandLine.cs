using System.CommandLine;
using System.CommandLine.Help;
using Microsoft.ML.Reversible.Cli.Verbs;

namespace Microsoft.ML.Reversible.Cli;

/// <summary>The command line: verbs, help and exit codes.</summary>
internal static class CommandLine
{
    public const string Name = "reversible";

    /// <summary>Runs one command line.</summary>
    /// <returns>0 done, 1 the input or an option is wrong, 2 failed or cancelled.</returns>
    public static int Run(string[] arguments, Terminal terminal, CancellationToken cancellationToken)
    {
        Verb[] verbs = Verbs(terminal);
        RootCommand root = Root(verbs);
        // By default an argument that begins with '@', such as a prompt, would be read as the name of a response file.
        ParseResult parsed = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count == 0 && parsed.Action is { Terminating: true })
        {
            return parsed.Invoke(new InvocationConfiguration { Output = terminal.Out, Error = terminal.Error });
        }
        Verb? verb = verbs.SingleOrDefault(verb => verb.Command == parsed.CommandResult.Command);
        if (verb is null || parsed.Errors.Count > 0)
        {
            terminal.Error.WriteLine($"{Name}: {Mistake.Describe(arguments, parsed, verb, verbs)}");
            return ExitCode.Usage;
        }
        try
        {
            return verb.Run(parsed, cancellationToken);
        }
        catch (Exception e)
        {
            terminal.Error.WriteLine($"{Name}: {ExitCode.Describe(e)}");
            return ExitCode.Of(e);
        }
    }

    /// <summary>All verbs, in the order of the help.</summary>
    public static Verb[] Verbs(Terminal terminal) =>
    [
        new TrainVerb(terminal),
        new RetrofitVerb(terminal),
        new GenerateVerb(terminal),
        new ScoreVerb(terminal),
        new EvaluateVerb(terminal),
        new BenchVerb(terminal),
        new StabilityVerb(terminal),
        new GradcheckVerb(terminal),
    ];

    private static RootCommand Root(Verb[] verbs)
    {
        var root = new RootCommand(
            "Trains, converts and runs language models with reversible layers: training stores the activations of one layer, not of all.");
        foreach (Verb verb in verbs) root.Subcommands.Add(verb.Command);
        root.Options.OfType<HelpOption>().Single().Action = new HelpText(root, verbs);
        root.Options.OfType<VersionOption>().Single().Action = new VersionText();
        return root;
    }
}
