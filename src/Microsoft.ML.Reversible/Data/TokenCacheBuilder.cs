using System.Runtime.ExceptionServices;
using Microsoft.ML.Reversible.Storage;
using Microsoft.ML.Reversible.Tokenizers;

namespace Microsoft.ML.Reversible.Data;

/// <summary>Makes token caches, or reuses those that exist.</summary>
/// <remarks>
/// With a path, the cache is written to a temporary file and renamed, so that a failure leaves the file at the path as it was. An existing
/// cache is reused if it was made from the same rows with the same tokenizer; to check this, the rows are read but not encoded. Without a
/// path, the cache is a temporary file that is deleted with the object or the process.
/// </remarks>
internal static class TokenCacheBuilder
{
    /// <summary>Makes a cache of rows of text, each followed by end-of-text. Empty rows are left out.</summary>
    /// <param name="rows">The rows; read twice if the cache at the path has the same tokenizer but other rows, else once.</param>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="path">The cache's file, or null for a temporary one.</param>
    /// <param name="cancellationToken">Ends the work between two rows.</param>
    /// <param name="progress">Receives the progress several times a second and at the end, on the calling thread.</param>
    /// <param name="endOfTextId">The id that ends a document; null takes the tokenizer's.</param>
    /// <exception cref="ArgumentOutOfRangeException">The end-of-text id is outside the vocabulary.</exception>
    /// <exception cref="InvalidOperationException">No row has text.</exception>
    /// <exception cref="ArgumentException">A row has a character that the tokenizer cannot represent.</exception>
    /// <exception cref="IOException">The cache could not be written, because the disk is full for instance.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static TokenCache Build(
        IEnumerable<string> rows,
        LanguageModelTokenizer tokenizer,
        string? path,
        CancellationToken cancellationToken = default,
        IProgress<TokenizationProgress>? progress = null,
        int? endOfTextId = null)
    {
        RequireInside(endOfTextId ?? tokenizer.EndOfTextId, tokenizer.VocabularySize);
        return Build(new TextSource(rows, tokenizer, endOfTextId), path, TokenCacheEncoder.Default, cancellationToken, progress);
    }

    /// <summary>Makes a cache of rows of ids, each followed by end-of-text unless it ends with it. Empty rows are left out.</summary>
    /// <param name="rows">The rows; read twice if the cache at the path has other rows, else once.</param>
    /// <param name="vocabularySize">Number of ids, which run from 0.</param>
    /// <param name="endOfTextId">The id that ends a document, or null to append nothing.</param>
    /// <param name="path">The cache's file, or null for a temporary one.</param>
    /// <param name="cancellationToken">Ends the work between two rows.</param>
    /// <param name="progress">Receives the progress several times a second and at the end, on the calling thread.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// An id of a row or the end-of-text id is outside the vocabulary; the message names the row and the range.
    /// </exception>
    /// <inheritdoc
    /// cref="Build(IEnumerable{string}, LanguageModelTokenizer, string, CancellationToken, IProgress{TokenizationProgress}, int?)"/>
    public static TokenCache Build(
        IEnumerable<int[]> rows,
        int vocabularySize,
        int? endOfTextId,
        string? path,
        CancellationToken cancellationToken = default,
        IProgress<TokenizationProgress>? progress = null)
    {
        RequireInside(endOfTextId, vocabularySize);
        return Build(new IdSource(rows, vocabularySize, endOfTextId), path, TokenCacheEncoder.Default, cancellationToken, progress);
    }

    /// <summary>Makes the cache of a source.</summary>
    public static TokenCache Build<TRow>(
        TokenCacheSource<TRow> source,
        string? path,
        TokenCacheEncoder encoder,
        CancellationToken cancellationToken = default,
        IProgress<TokenizationProgress>? progress = null)
    {
        try
        {
            return path is null
                ? BuildTemporary(source, encoder, cancellationToken, progress)
                : BuildAt(path, source, encoder, cancellationToken, progress);
        }
        catch (TokenCacheSourceFailure failure)
        {
            ExceptionDispatchInfo.Throw(failure.InnerException!);
            throw;
        }
    }

    private static TokenCache BuildAt<TRow>(string path, TokenCacheSource<TRow> source, TokenCacheEncoder encoder,
        CancellationToken cancellationToken, IProgress<TokenizationProgress>? progress)
    {
        if (OpenFor(source, path) is { } present)
        {
            if (present.SourceHash == HashOf(source, cancellationToken, progress)) return present;
            present.Dispose();
        }

        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        string sourceHash = "";
        AtomicFile.Write(path, stream => sourceHash = Write(source, stream, folder, encoder, cancellationToken, progress));
        TokenCache built = TokenCache.Open(path);
        if (built.SourceHash == sourceHash && built.TokenizerHash == source.TokenizerHash) return built;
        built.Dispose();
        throw new IOException(
            $"The token cache '{path}' was replaced by another run as soon as it was written. " +
            "Give runs on different data different paths.");
    }

    private static TokenCache BuildTemporary<TRow>(TokenCacheSource<TRow> source, TokenCacheEncoder encoder,
        CancellationToken cancellationToken, IProgress<TokenizationProgress>? progress)
    {
        string folder = Path.GetTempPath();
        FileStream? stream = null;
        try
        {
            stream = TemporaryFile.Create(folder);
            Write(source, stream, folder, encoder, cancellationToken, progress);
            stream.Flush();
            return TokenCache.FromStream(stream);
        }
        catch (Exception e)
        {
            stream?.Dispose();
            if (e is not IOException) throw;
            throw new IOException(
                $"Could not write a temporary token cache in '{folder}': {e.Message} Give the cache a path on a disk with more room.", e);
        }
    }

    /// <summary>Opens the cache at a path if it was made with the source's tokenizer, whatever its rows; else returns null.</summary>
    private static TokenCache? OpenFor<TRow>(TokenCacheSource<TRow> source, string path)
    {
        if (!File.Exists(path)) return null;
        try
        {
            TokenCache cache = TokenCache.Open(path, reused: true);
            if (cache.TokenizerHash == source.TokenizerHash && cache.VocabularySize == source.VocabularySize) return cache;
            cache.Dispose();
        }
        catch (InvalidDataException)
        {
            // A cache that cannot be read is made again.
        }
        return null;
    }

    private static string HashOf<TRow>(
        TokenCacheSource<TRow> source, CancellationToken cancellationToken, IProgress<TokenizationProgress>? progress)
    {
        using var hash = new TokenCacheHash();
        var report = new TokenCacheReport(progress);
        foreach (TRow row in TokenCacheSourceFailure.Marked(source.Rows))
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (source.Length(row) > 0) report.Read(source.AddTo(hash, row));
        }
        report.Finish();
        return hash.Finish();
    }

    private static string Write<TRow>(TokenCacheSource<TRow> source, Stream stream, string folder, TokenCacheEncoder encoder,
        CancellationToken cancellationToken, IProgress<TokenizationProgress>? progress)
    {
        using var hash = new TokenCacheHash();
        using var writer = new TokenCacheWriter(stream, folder, source.VocabularySize);
        var report = new TokenCacheReport(progress);
        encoder.Run(
            source,
            row => report.Read(source.AddTo(hash, row)),
            (place, ids) =>
            {
                writer.Append(place, ids);
                report.Wrote(ids.Length);
            },
            cancellationToken);
        if (writer.TokenCount == 0) throw source.NoRows();
        string sourceHash = hash.Finish();
        writer.Finish(sourceHash, source.TokenizerHash);
        report.Finish();
        return sourceHash;
    }

    private static void RequireInside(int? endOfTextId, int vocabularySize)
    {
        if (endOfTextId is { } id && (id < 0 || id >= vocabularySize))
            throw new ArgumentOutOfRangeException(
                nameof(endOfTextId), id, $"The end-of-text id must be one of the vocabulary's, which are 0 to {vocabularySize - 1}.");
    }
}

/// <summary>Counts rows, bytes and tokens of a token cache and reports them four times a second.</summary>
internal sealed class TokenCacheReport(IProgress<TokenizationProgress>? progress)
{
    private const long IntervalMilliseconds = 250;
    private long _rows, _bytes, _tokens;
    private long _last = Environment.TickCount64;

    /// <summary>Counts a row that was read.</summary>
    public void Read(long bytes)
    {
        _rows++;
        _bytes += bytes;
        if (progress is null || Environment.TickCount64 - _last < IntervalMilliseconds) return;
        _last = Environment.TickCount64;
        Finish();
    }

    /// <summary>Counts tokens that were written.</summary>
    public void Wrote(int tokens) => _tokens += tokens;

    /// <summary>Reports the counts.</summary>
    public void Finish() => progress?.Report(new(_rows, _bytes, _tokens));
}

/// <summary>Encodes rows on all cores and returns them in order.</summary>
/// <param name="BlockLength">Characters or ids in a block, which one thread encodes.</param>
/// <param name="Blocks">Number of blocks that are encoded at once.</param>
internal sealed record TokenCacheEncoder(int BlockLength, int Blocks)
{
    private const long MaxLengthInWork = 1 << 26;

    /// <summary>Enough blocks that no core waits while the first of them is written.</summary>
    public static TokenCacheEncoder Default => new(1 << 17, 2 * Environment.ProcessorCount + 2);

    /// <summary>Encodes all rows that are not empty. Reading and writing happen on the calling thread.</summary>
    /// <param name="source">The rows.</param>
    /// <param name="read">Called with every row as it is read.</param>
    /// <param name="write">Called with the number of every row and its ids, in order.</param>
    /// <param name="cancellationToken">Ends the work between two rows.</param>
    public void Run<TRow>(
        TokenCacheSource<TRow> source, Action<TRow> read, Action<long, int[]> write, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        CancellationToken stopped = stop.Token;
        var inWork = new Queue<Block<TRow>>();
        long length = 0;
        try
        {
            Block<TRow> block = new();
            long place = 0;
            foreach (TRow row in TokenCacheSourceFailure.Marked(source.Rows))
            {
                cancellationToken.ThrowIfCancellationRequested();
                int rowLength = source.Length(row);
                if (rowLength > 0)
                {
                    read(row);
                    block.Rows.Add((place, row));
                    block.Length += rowLength;
                }
                place++;
                if (block.Length < BlockLength) continue;
                Start(block);
                block = new();
            }
            Start(block);
            while (inWork.Count > 0) WriteFirst();
        }
        finally
        {
            stop.Cancel();
            foreach (Block<TRow> block in inWork) block.Encoded.ContinueWith(_ => { }, TaskScheduler.Default).Wait();
        }

        void Start(Block<TRow> block)
        {
            // The length is limited too: a few huge rows take as much time and memory as many small ones.
            while (inWork.Count >= Blocks || (inWork.Count > 0 && length + block.Length > MaxLengthInWork)) WriteFirst();
            block.Encoded = Task.Run(() => Encode(source, block.Rows, cancellationToken, stopped));
            inWork.Enqueue(block);
            length += block.Length;
        }

        void WriteFirst()
        {
            Block<TRow> block = inWork.Peek();
            int[][] encoded = block.Encoded.GetAwaiter().GetResult();
            inWork.Dequeue();
            length -= block.Length;
            for (int i = 0; i < encoded.Length; i++) write(block.Rows[i].Place, encoded[i]);
        }
    }

    private static int[][] Encode<TRow>(
        TokenCacheSource<TRow> source, List<(long Place, TRow Row)> rows, CancellationToken cancelled, CancellationToken stopped)
    {
        var encoded = new int[rows.Count][];
        for (int i = 0; i < encoded.Length; i++)
        {
            cancelled.ThrowIfCancellationRequested();
            stopped.ThrowIfCancellationRequested();
            encoded[i] = source.Encode(rows[i].Row);
        }
        return encoded;
    }

    private sealed class Block<TRow>
    {
        public List<(long Place, TRow Row)> Rows { get; } = [];

        public long Length { get; set; }

        public Task<int[][]> Encoded { get; set; } = Task.FromResult<int[][]>([]);
    }
}
