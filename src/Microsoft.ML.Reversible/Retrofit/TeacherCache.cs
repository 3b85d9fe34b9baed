using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Language;
using Microsoft.ML.Reversible.Storage;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Retrofit;

/// <summary>
/// A teacher's <see cref="TopLogits"/> on disk for every position of every training window, so that the teacher runs once for many epochs
/// of distillation. The windows must begin at the same tokens in every epoch. <see cref="TeacherCacheBuilder"/> creates it.
/// </summary>
/// <remarks>
/// Little endian: a <see cref="TeacherCacheHeader"/>, then for each window its ids, [context, k], of two bytes if the vocabulary permits
/// and otherwise four, and its log-probabilities, [context, k + 1], or [context, k] with k = vocabulary. Like <see cref="TokenCache"/> it
/// is read by position, and all values read are checked.
/// </remarks>
internal sealed class TeacherCache : IDisposable
{
    private readonly string _name;
    private readonly SafeFileHandle _handle;
    private readonly IDisposable _owner;

    /// <summary>Opens a file that has the given header and the length that it states.</summary>
    /// <param name="name">The file's name, for messages.</param>
    /// <param name="handle">The file.</param>
    /// <param name="owner">Disposed of with the cache.</param>
    /// <param name="header">Its header.</param>
    /// <param name="wasReused">The value of <see cref="WasReused"/>.</param>
    public TeacherCache(string name, SafeFileHandle handle, IDisposable owner, TeacherCacheHeader header, bool wasReused)
    {
        (_name, _handle, _owner, Header, WasReused) = (name, handle, owner, header, wasReused);
    }

    /// <summary>The file's header.</summary>
    public TeacherCacheHeader Header { get; }

    /// <summary>Whether an existing cache was used.</summary>
    public bool WasReused { get; }

    /// <summary>Returns the teacher's most likely tokens for the rows of a batch, float32, in the current dispose scope.</summary>
    /// <param name="batch">Windows that are the same in every epoch.</param>
    /// <param name="device">The device of the tensors.</param>
    /// <exception cref="InvalidOperationException">The batch's windows are shifted from epoch to epoch.</exception>
    /// <exception cref="InvalidDataException">The file has been damaged.</exception>
    public TopLogits Read(TokenBatch batch, Device device)
    {
        long[] windows = batch.Windows ?? throw new InvalidOperationException(
            "A teacher's cache needs the same windows in every epoch, but this batch's are shifted from epoch to epoch.");
        var ids = new long[batch.Rows * Header.WindowIds];
        var logProbabilities = new float[batch.Rows * Header.WindowValues];
        var bytes = new byte[Header.WindowBytes];
        for (int row = 0; row < batch.Rows; row++)
        {
            ReadAt(Header.Position(windows[row]), bytes);
            Header.Decode(
                bytes, ids.AsSpan(row * Header.WindowIds, Header.WindowIds),
                logProbabilities.AsSpan(row * Header.WindowValues, Header.WindowValues));
        }
        Check(ids, logProbabilities);
        long tokens = (long)batch.Rows * Header.Context;
        return new(
            tensor(ids, [tokens, Header.K], device: device), tensor(logProbabilities, [tokens, Header.Classes], device: device));
    }

    /// <inheritdoc/>
    public void Dispose() => _owner.Dispose();

    private void Check(long[] ids, float[] logProbabilities)
    {
        foreach (long id in ids)
            if (id >= Header.VocabularySize) throw Damaged($"it has the token {id}, but its vocabulary has {Header.VocabularySize}");
        foreach (float value in logProbabilities)
            if (!float.IsFinite(value)) throw Damaged("it has a log-probability that is not finite");
    }

    private void ReadAt(long position, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            int count = RandomAccess.Read(_handle, destination, position);
            if (count == 0) throw Damaged("it was truncated while it was read");
            destination = destination[count..];
            position += count;
        }
    }

    private InvalidDataException Damaged(string reason) =>
        new($"The teacher's cache '{_name}' cannot be used: {reason}. Delete it; it is created again when needed.");
}

/// <summary>Creates teachers' caches in one pass over the training windows, or reuses existing ones.</summary>
/// <remarks>
/// With a path, the cache is written to a temporary file and renamed, so a killed run leaves no incomplete cache. An existing cache is
/// reused if its header is the expected one; any other or damaged cache is replaced, but a file of another format never is. Without a path,
/// the cache is a temporary file that is deleted when the object is disposed or the process ends.
/// </remarks>
internal static class TeacherCacheBuilder
{
    // The maximum bytes of an id and its log-probability.
    private const int LargestEntry = 8;

    /// <summary>Returns the cache of a teacher for the given windows.</summary>
    /// <param name="path">The cache's file, or null for a temporary one.</param>
    /// <param name="teacher">The teacher.</param>
    /// <param name="windows">The windows, the same in every epoch.</param>
    /// <param name="k">The number of tokens stored per position, at least 1 and at most the vocabulary size.</param>
    /// <param name="temperature">The divisor of the logits, positive.</param>
    /// <param name="rows">The number of windows in a batch of the teacher.</param>
    /// <param name="halfPrecision">Whether log-probabilities are stored as float16 instead of float32.</param>
    /// <param name="progress">Receives the number of windows done after each batch.</param>
    /// <param name="cancellationToken">Cancels the work between two batches.</param>
    /// <exception cref="ArgumentOutOfRangeException">The logits of a batch would not fit into an array.</exception>
    /// <exception cref="InvalidOperationException">The windows are shifted from epoch to epoch.</exception>
    /// <exception cref="InvalidDataException">The path is a file of another format.</exception>
    /// <exception cref="IOException">The cache could not be written, for example because the disk is full.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public static TeacherCache Build(
        string? path, LanguageNetwork teacher, TokenWindows windows, int k, double temperature, int rows, bool halfPrecision = true,
        Action<long>? progress = null, CancellationToken cancellationToken = default)
    {
        if (windows.FixedWindows == 0)
            throw new InvalidOperationException("A teacher's cache needs the same windows in every epoch, but these are shifted.");
        int vocabularySize = teacher.Configuration.VocabularySize;
        k = Math.Min(k, vocabularySize);
        long most = Array.MaxLength / ((long)rows * windows.Context * LargestEntry) - 1;
        if (k > most)
            throw new ArgumentOutOfRangeException(
                nameof(k), k, $"For batches of {rows} windows of {windows.Context} tokens, k must be at most {most}.");
        var header = new TeacherCacheHeader(
            WeightHash.Of(teacher), windows.Identity, vocabularySize, windows.Context, windows.FixedWindows, k, temperature,
            halfPrecision ? 2 : 4);
        return path is null ? BuildTemporary(header, Write) : BuildAt(path, header, Write);

        void Write(Stream stream)
        {
            stream.Write(header.ToBytes());
            var bytes = new byte[header.WindowBytes];
            long done = 0;
            foreach (TokenBatch batch in windows.InOrder(rows))
            {
                cancellationToken.ThrowIfCancellationRequested();
                (long[] ids, float[] logProbabilities) = Ask(teacher, batch, header);
                for (int row = 0; row < batch.Rows; row++)
                {
                    header.Encode(
                        ids.AsSpan(row * header.WindowIds, header.WindowIds),
                        logProbabilities.AsSpan(row * header.WindowValues, header.WindowValues), bytes);
                    stream.Write(bytes);
                }
                progress?.Invoke(done += batch.Rows);
            }
        }
    }

    private static (long[] Ids, float[] LogProbabilities) Ask(LanguageNetwork teacher, TokenBatch batch, TeacherCacheHeader header)
    {
        using var scope = NewDisposeScope();
        TopLogits top = TopLogits.Of(DistillationTask.Teach(teacher, batch.ToTensors(teacher.Device).Ids), header.Temperature, header.K);
        Tensor logProbabilities = top.LogProbabilities.to(ScalarType.Float32);
        return (top.Ids.cpu().data<long>().ToArray(), logProbabilities.cpu().data<float>().ToArray());
    }

    private static TeacherCache BuildAt(string path, TeacherCacheHeader header, Action<Stream> write)
    {
        if (Open(path, header, reused: true) is { } present) return present;
        AtomicFile.Write(path, write);
        return Open(path, header, reused: false) ?? throw new IOException(
            $"The teacher's cache '{path}' was replaced by another run as soon as it was written. " +
            "Use a different path for each teacher and data set.");
    }

    private static TeacherCache BuildTemporary(TeacherCacheHeader header, Action<Stream> write)
    {
        string folder = Path.GetTempPath();
        FileStream? stream = null;
        try
        {
            stream = TemporaryFile.Create(folder);
            write(stream);
            stream.Flush();
            return new TeacherCache(stream.Name, stream.SafeFileHandle, stream, header, wasReused: false);
        }
        catch (Exception e)
        {
            stream?.Dispose();
            if (e is not IOException) throw;
            throw new IOException(
                $"Could not write a temporary teacher's cache of {header.FileLength} bytes in '{folder}': {e.Message} " +
                "Set the cache's path to a disk with more space.", e);
        }
    }

    /// <summary>Returns the cache at a path; null if there is none, or if it must be created again.</summary>
    private static TeacherCache? Open(string path, TeacherCacheHeader header, bool reused)
    {
        if (!File.Exists(path)) return null;
        // FileShare.Delete, because another process may replace this cache meanwhile.
        SafeFileHandle handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        bool keeps = false;
        try
        {
            var start = new byte[TeacherCacheHeader.Length];
            Span<byte> read = start.AsSpan(0, RandomAccess.Read(handle, start, 0));
            if (!read.IsEmpty && !read.StartsWith(TeacherCacheHeader.Magic))
                throw new InvalidDataException(
                    $"The file '{path}' is not a teacher's cache, so it is not replaced. Use another path, or delete the file.");
            keeps = read.SequenceEqual(header.ToBytes()) && RandomAccess.GetLength(handle) == header.FileLength;
            return keeps ? new TeacherCache(path, handle, handle, header, reused) : null;
        }
        finally
        {
            if (!keeps) handle.Dispose();
        }
    }
}
