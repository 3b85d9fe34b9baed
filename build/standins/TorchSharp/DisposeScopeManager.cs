namespace TorchSharp;

// The stack of open scopes of one thread.
public class DisposeScopeManager
{
    [ThreadStatic] private static DisposeScopeManager _ofThisThread;

    private DisposeScope _current;

    internal static DisposeScopeManager OfThisThread => _ofThisThread ??= new DisposeScopeManager();

    internal ThreadDisposeScopeStatistics Statistics_ { get; } = new();

    public static ThreadDisposeScopeStatistics Statistics => OfThisThread.Statistics_;

    internal DisposeScope Current => _current;

    internal DisposeScope Open() => _current = new DisposeScope(this, _current);

    internal DisposeScope Register(IDisposable disposable)
    {
        if (_current is null)
        {
            Statistics_.CreatedOutsideScope++;
            return null;
        }
        Statistics_.CreatedInScope++;
        _current.Disposables.Add(disposable);
        return _current;
    }

    // Scopes may be closed out of order; those inside the closed one get the next outer one.
    internal void Remove(DisposeScope scope)
    {
        if (_current == scope)
        {
            _current = scope.Outer;
            return;
        }
        for (var inner = _current; inner is not null; inner = inner.Outer)
            if (inner.Outer == scope)
                inner.Outer = scope.Outer;
    }
}
