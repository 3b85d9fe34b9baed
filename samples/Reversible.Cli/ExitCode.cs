using System.Runtime.InteropServices;
using Microsoft.ML.Reversible.Cli.Options;

namespace Microsoft.ML.Reversible.Cli;

/// <summary>The exit codes, and the message of an exception.</summary>
internal static class ExitCode
{
    public const int Done = 0;

    /// <summary>The input or an option is wrong.</summary>
    public const int Usage = 1;

    /// <summary>The work failed or was cancelled.</summary>
    public const int Failed = 2;

    /// <summary>Returns the exit code of an exception: <see cref="Usage"/> if other input can fix it.</summary>
    public static int Of(Exception e) => e switch
    {
        ObjectDisposedException => Failed,
        UsageException or ArgumentException or InvalidOperationException or InvalidDataException or NotSupportedException => Usage,
        FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException => Usage,
        _ => Failed,
    };

    /// <summary>Returns the exception as one line, in the words of the command line.</summary>
    public static string Describe(Exception e)
    {
        string message = e.Message;
        // .NET appends the parameter's name, which means nothing to users of the command line.
        if (e is ArgumentException { ParamName: { } name }) message = message.Replace($" (Parameter '{name}')", "");
        // After this line libtorch's errors list the frames of its own code.
        if (e is ExternalException) message = message.Split("Exception raised from ")[0];
        // This setting exists only in programs, not on the command line.
        message = message.Replace(", use 'cpu', or set MLContext.FallbackToCpu.", ", or use 'cpu'.");
        string line = string.Join(' ', message.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        bool known = Of(e) == Usage || e is IOException or DllNotFoundException or OverflowException or OperationCanceledException;
        return Kebab.Translate(known ? line : $"{e.GetType().Name}: {line}");
    }
}
