namespace Microsoft.ML.Reversible.Data;

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
