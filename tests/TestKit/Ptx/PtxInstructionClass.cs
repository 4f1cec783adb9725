namespace TestKit.Ptx;

/// <summary>What executed instructions are counted by.</summary>
public enum PtxInstructionClass
{
    Integer,
    Single,
    Double,
    Conversion,
    Predicate,
    Move,
    SharedLoad,
    SharedStore,
    MatrixLoad,
    GlobalLoad,
    GlobalStore,
    ParameterLoad,
    AsyncCopy,
    BitProduct,
    ByteProduct,
    Shuffle,
    Barrier,
    Branch,
}
