using System.Text;
using Spectre.Console;

namespace Microsoft.ML.Reversible.Cli;

/// <summary>The input and output of a verb.</summary>
/// <param name="In">Standard input.</param>
/// <param name="Out">Standard output: results.</param>
/// <param name="Error">Standard error: progress and messages.</param>
/// <param name="OutIsScreen">Whether standard output is a terminal.</param>
/// <param name="ErrorIsScreen">Whether standard error is a terminal.</param>
/// <param name="IsPlain">Whether a terminal gets plain text too, without colours and moving bars.</param>
/// <param name="InIsScreen">Whether standard input is a terminal.</param>
internal sealed record Terminal(
    TextReader In, TextWriter Out, TextWriter Error, bool OutIsScreen = false, bool ErrorIsScreen = false, bool IsPlain = false,
    bool InIsScreen = false)
{
    /// <summary>What Ctrl+C ends.</summary>
    public Interrupts Interrupts { get; init; } = new();

    private const int WidthOffScreen = 1000;

    /// <summary>Whether progress is shown as a moving bar, not as lines.</summary>
    public bool ShowsProgress => ErrorIsScreen && !IsPlain;

    /// <summary>Returns the input and output of this process; NO_COLOR, or TERM=dumb, asks for plain text.</summary>
    public static Terminal OfThisProcess() => new(
        Console.In, Console.Out, Console.Error, !Console.IsOutputRedirected, !Console.IsErrorRedirected,
        Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 } || Environment.GetEnvironmentVariable("TERM") == "dumb",
        !Console.IsInputRedirected);

    /// <summary>Returns standard output, or standard error if standard output is for JSON.</summary>
    public IAnsiConsole ForPeople(bool json) => json ? For(Error, ErrorIsScreen) : For(Out, OutIsScreen);

    /// <summary>Returns standard error.</summary>
    public IAnsiConsole ForProgress() => For(Error, ErrorIsScreen);

    private IAnsiConsole For(TextWriter writer, bool isScreen)
    {
        bool moves = isScreen && !IsPlain;
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = moves ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = moves ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = moves ? InteractionSupport.Detect : InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer),
        });
        // A file has no width, and Spectre would wrap lines, and paths in them, at 80 characters.
        if (!isScreen) console.Profile.Width = WidthOffScreen;
        return console;
    }
}
