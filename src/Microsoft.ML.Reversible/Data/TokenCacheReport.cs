namespace Microsoft.ML.Reversible.Data;

/// <summary>Counts what goes into a token cache and tells of it four times a second.</summary>
internal sealed class TokenCacheReport(IProgress<TokenizationProgress>? progress)
{
    private const long IntervalMilliseconds = 250;
    private long _rows, _bytes, _tokens;
    private long _last = Environment.TickCount64;

    /// <summary>A row has been read.</summary>
    public void Read(long bytes)
    {
        _rows++;
        _bytes += bytes;
        if (progress is null || Environment.TickCount64 - _last < IntervalMilliseconds) return;
        _last = Environment.TickCount64;
        Finish();
    }

    /// <summary>Tokens have been written.</summary>
    public void Wrote(int tokens) => _tokens += tokens;

    /// <summary>Tells of all there was.</summary>
    public void Finish() => progress?.Report(new(_rows, _bytes, _tokens));
}
