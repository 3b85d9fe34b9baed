using Microsoft.ML.Reversible.Data;
using Microsoft.ML.Reversible.Losses;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace Microsoft.ML.Reversible.Retrofitting;

/// <summary>
/// A teacher's <see cref="TopLogits"/> on disk, for every position of every training window with a fixed place, so that many epochs of
/// distillation ask the teacher once. <see cref="TeacherCacheBuilder"/> makes it.
/// </summary>
/// <remarks>
/// Little endian: a <see cref="TeacherCacheHeader"/>, then window by window all ids, [context, k], two bytes each where the vocabulary fits
/// in them and else four, and all log-probabilities, [context, k + 1], or [context, k] with k = vocabulary. It is read by position, as
/// <see cref="TokenCache"/> is, and what is read is checked.
/// </remarks>
internal sealed class TeacherCache : IDisposable
{
    private readonly string _name;
    private readonly SafeFileHandle _handle;
    private readonly IDisposable _owner;

    /// <summary>Reads a file whose header is this one and whose length fits it.</summary>
    /// <param name="name">The file's name, for messages.</param>
    /// <param name="handle">The file.</param>
    /// <param name="owner">Disposed of with the cache.</param>
    /// <param name="header">Its header.</param>
    /// <param name="wasReused">The value of <see cref="WasReused"/>.</param>
    public TeacherCache(string name, SafeFileHandle handle, IDisposable owner, TeacherCacheHeader header, bool wasReused)
    {
        (_name, _handle, _owner, Header, WasReused) = (name, handle, owner, header, wasReused);
    }

    /// <summary>What the file says of itself.</summary>
    public TeacherCacheHeader Header { get; }

    /// <summary>Whether it was found made already.</summary>
    public bool WasReused { get; }

    /// <summary>The teacher's likeliest tokens for the rows of a batch, float32, in the current dispose scope.</summary>
    /// <param name="batch">Windows with fixed places.</param>
    /// <param name="device">Where the tensors are made.</param>
    /// <exception cref="InvalidOperationException">The batch's windows are shifted from epoch to epoch.</exception>
    /// <exception cref="InvalidDataException">The file has been damaged.</exception>
    public TopLogits Read(TokenBatch batch, Device device)
    {
        long[] windows = batch.Windows ?? throw new InvalidOperationException(
            "A teacher's cache has windows with fixed places, but this batch's are shifted from epoch to epoch.");
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
            if (count == 0) throw Damaged("it became shorter while it was read");
            destination = destination[count..];
            position += count;
        }
    }

    private InvalidDataException Damaged(string reason) =>
        new($"The teacher's cache '{_name}' cannot be used: {reason}. Delete it; it is made anew when it is needed.");
}
