namespace TorchSharp;

// What one thread created and disposed.
public class LifetimeStatistics
{
    internal long CreatedInScope, CreatedOutsideScope, DetachedFromScope, AttachedToScope, DisposedInScope, DisposedOutsideScope;

    public long CreatedOutsideScopeCount => CreatedOutsideScope;
    public long DisposedOutsideScopeCount => DisposedOutsideScope;
    public long CreatedInScopeCount => CreatedInScope;
    public long DisposedInScopeCount => DisposedInScope;
    public long AttachedToScopeCount => AttachedToScope;
    public long DetachedFromScopeCount => DetachedFromScope;

    public long ThreadTotalLiveCount => CreatedInScope + CreatedOutsideScope - DisposedInScope - DisposedOutsideScope;

    public void Reset() =>
        CreatedInScope = CreatedOutsideScope = DetachedFromScope = AttachedToScope = DisposedInScope = DisposedOutsideScope = 0;

    public override string ToString() =>
        $"ThreadTotalLiveCount: {ThreadTotalLiveCount}; CreatedOutsideScopeCount: {CreatedOutsideScopeCount}; " +
        $"DisposedOutsideScopeCount: {DisposedOutsideScopeCount}; CreatedInScopeCount: {CreatedInScopeCount}; " +
        $"DisposedInScopeCount: {DisposedInScopeCount}; AttachedToScopeCount: {AttachedToScopeCount}; " +
        $"DetachedFromScopeCount: {DetachedFromScopeCount}";
}

// Only tensors are counted: nothing else that lives in a scope exists here.
public class ThreadDisposeScopeStatistics
{
    internal long CreatedInScope { get => TensorStatistics.CreatedInScope; set => TensorStatistics.CreatedInScope = value; }
    internal long CreatedOutsideScope { get => TensorStatistics.CreatedOutsideScope; set => TensorStatistics.CreatedOutsideScope = value; }
    internal long DetachedFromScope { get => TensorStatistics.DetachedFromScope; set => TensorStatistics.DetachedFromScope = value; }
    internal long AttachedToScope { get => TensorStatistics.AttachedToScope; set => TensorStatistics.AttachedToScope = value; }
    internal long DisposedInScope { get => TensorStatistics.DisposedInScope; set => TensorStatistics.DisposedInScope = value; }

    public LifetimeStatistics TensorStatistics { get; } = new();

    public long CreatedOutsideScopeCount => TensorStatistics.CreatedOutsideScopeCount;
    public long DisposedOutsideScopeCount => TensorStatistics.DisposedOutsideScopeCount;
    public long CreatedInScopeCount => TensorStatistics.CreatedInScopeCount;
    public long DisposedInScopeCount => TensorStatistics.DisposedInScopeCount;
    public long AttachedToScopeCount => TensorStatistics.AttachedToScopeCount;
    public long DetachedFromScopeCount => TensorStatistics.DetachedFromScopeCount;
    public long ThreadTotalLiveCount => TensorStatistics.ThreadTotalLiveCount;

    public void Reset() => TensorStatistics.Reset();

    public override string ToString() => TensorStatistics.ToString();
}
