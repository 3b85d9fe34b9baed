using System.Text;
using Spectre.Console;

namespace Microsoft.ML.Reversible.Cli;

/// <summary>The input and output of a verb.</summary>
/// <param name="In">Standard input.</param>
/// <param name="Out">Standard output: results.</param>
/// <param name="Error">Standard error: progress and messages.</param>
/// <param name="OutIsScreen">Whether standard output is a terminal.</param>
/// <param name="ErrorIsScreen">Whether standard error is a terminal.</param>
internal sealed record Terminal(TextReader In, TextWriter Out, TextWriter Error, bool OutIsScreen = false, bool ErrorIsScreen = false)
{
    private const int WidthOffScreen = 1000;

    /// <summary>Returns the input and output of this process.</summary>
    public static Terminal OfThisProcess() =>
        new(Console.In, Console.Out, Console.Error, !Console.IsOutputRedirected, !Console.IsErrorRedirected);

    /// <summary>Returns standard output, or standard error if standard output is for JSON.</summary>
    public IAnsiConsole ForPeople(bool json) => json ? For(Error, ErrorIsScreen) : For(Out, OutIsScreen);

    /// <summary>Returns standard error.</summary>
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
        // A file has no width, and Spectre would wrap lines, and paths in them, at 80 characters.
        if (!isScreen) console.Profile.Width = WidthOffScreen;
        return console;
    }
}
