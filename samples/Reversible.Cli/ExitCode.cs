using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using Microsoft.ML.Reversible.Cli.Options;

namespace Microsoft.ML.Reversible.Cli;

/// <summary>The exit codes, and the message of an exception.</summary>
internal static partial class ExitCode
{
    public const int Done = 0;

    /// <summary>The input or an option is wrong.</summary>
    public const int Usage = 1;

    /// <summary>The work failed.</summary>
    public const int Failed = 2;

    /// <summary>Ctrl+C or SIGTERM ended the work. Shells report Ctrl+C with this code too.</summary>
    public const int Interrupted = 130;

    /// <summary>Returns the exit code of an exception: <see cref="Usage"/> if other input can fix it.</summary>
    public static int Of(Exception e) => e switch
    {
        ObjectDisposedException => Failed,
        OperationCanceledException => Interrupted,
        UsageException or ArgumentException or InvalidOperationException or InvalidDataException or NotSupportedException => Usage,
        FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException => Usage,
        _ => Failed,
    };

    /// <summary>Returns the exception as one line, in the words of the command line.</summary>
    public static string Describe(Exception e)
    {
        // .NET appends the parameter's name, which means nothing to users of the command line.
        string message = e is OperationCanceledException && e.Message == new OperationCanceledException().Message ? "Stopped."
            : ParameterName().Replace(e.Message, "");
        // After this line libtorch's errors list the frames of its own code.
        if (e is ExternalException) message = message.Split("Exception raised from ")[0];
        string[] lines = message.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string line = Kebab.WithoutApi(string.Join(' ', lines));
        bool known = Of(e) is Usage or Interrupted || e is IOException or DllNotFoundException or OverflowException;
        if (!known) line = $"{e.GetType().Name}: {line}";
        // A file's error names the fields of the file; only what it says to set is an option.
        int options = e is InvalidDataException or IOException ? line.LastIndexOf("Set ", StringComparison.Ordinal) : 0;
        return options < 0 ? line : line[..options] + Kebab.Translate(line[options..]);
    }

    [GeneratedRegex(@" \(Parameter '\w+'\)")]
    private static partial Regex ParameterName();
}
