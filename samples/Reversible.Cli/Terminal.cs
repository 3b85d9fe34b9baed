using System.Text;
using Spectre.Console;

namespace Microsoft.ML.Reversible.Cli;

/// <summary>Where a verb reads and writes.</summary>
/// <param name="In">Standard input.</param>
/// <param name="Out">Standard output: results.</param>
/// <param name="Error">Standard error: progress and messages.</param>
/// <param name="OutIsScreen">Whether somebody looks at standard output.</param>
/// <param name="ErrorIsScreen">Whether somebody looks at standard error.</param>
internal sealed record Terminal(TextReader In, TextWriter Out, TextWriter Error, bool OutIsScreen = false, bool ErrorIsScreen = false)
{
    private const int WidthOffScreen = 1000;

    /// <summary>That of this process.</summary>
    public static Terminal OfThisProcess() =>
        new(Console.In, Console.Out, Console.Error, !Console.IsOutputRedirected, !Console.IsErrorRedirected);

    /// <summary>Standard output, or standard error where the output is for programs.</summary>
    public IAnsiConsole ForPeople(bool json) => json ? For(Error, ErrorIsScreen) : For(Out, OutIsScreen);

    /// <summary>Standard error.</summary>
    public IAnsiConsole ForProgress() => For(Error, ErrorIsScreen);

    private static IAnsiConsole For(TextWriter writer, bool isScreen)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = isScreen ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = isScreen ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = isScreen ? InteractionSupport.Detect : InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer),
        });
        // A file has no width, and Spectre would break lines, and paths in them, at 80.
        if (!isScreen) console.Profile.Width = WidthOffScreen;
        return console;
    }
}
