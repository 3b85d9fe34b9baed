namespace Microsoft.ML.Reversible.Cli;

/// <summary>Decides what Ctrl+C and SIGTERM end: an answer, the command at its next step, or the process.</summary>
internal sealed class Interrupts : IDisposable
{
    private readonly object _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private CancellationTokenSource? _answer;
    private bool _waits;

    /// <summary>Cancelled when the command shall end at its next step.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>Handles a signal.</summary>
    /// <param name="isInterrupt">Whether it is Ctrl+C, and not SIGTERM.</param>
    /// <param name="error">Standard error.</param>
    /// <returns>Whether the process goes on; otherwise the signal ends it.</returns>
    public bool Handle(bool isInterrupt, TextWriter error)
    {
        lock (_lock)
        {
            if (_stop.IsCancellationRequested || _waits) return false;
            if (isInterrupt && _answer is { IsCancellationRequested: false })
            {
                _answer.Cancel();
                return true;
            }
            error.WriteLine($"{CommandLine.Name}: Stopping; Ctrl+C again ends at once.");
            _stop.Cancel();
            return true;
        }
    }

    /// <summary>Waits for a line, while a signal ends the process.</summary>
    public string? Wait(Func<string?> read)
    {
        lock (_lock) _waits = true;
        try
        {
            return read();
        }
        finally
        {
            lock (_lock) _waits = false;
        }
    }

    /// <summary>Runs an answer that the first Ctrl+C ends alone.</summary>
    /// <param name="answer">The answer, given what cancels it.</param>
    public void Answer(Action<CancellationToken> answer)
    {
        using var cancel = new CancellationTokenSource();
        lock (_lock) _answer = cancel;
        try
        {
            answer(cancel.Token);
        }
        finally
        {
            lock (_lock) _answer = null;
        }
    }

    public void Dispose() => _stop.Dispose();
}
