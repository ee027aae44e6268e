"""The names that resources of Drive can have. Source: the v3 discovery document, revision 20261106."""

from haulage.sandbox.google.drive.about import USER
from haulage.sandbox.google.fields import ANY, Shape


def _flat(names: str) -> Shape:
    return dict.fromkeys(names.split(), None)


DETAILS = _flat("permissionType inheritedFrom role inherited")
PERMISSION: Shape = {
    **_flat(
        "id displayName type kind photoLink emailAddress role allowFileDiscovery domain expirationTime deleted view "
        "pendingOwner inheritedPermissionsDisabled"
    ),
    "permissionDetails": DETAILS,
    "teamDrivePermissionDetails": _flat("teamDrivePermissionType inheritedFrom role inherited"),
}
RESTRICTION = _flat("restrictedForReaders restrictedForWriters")
FILE_CAPABILITIES = _flat(
    "canAcceptOwnership canAccessViaGenAi canAddChildren canAddFolderFromAnotherDrive canAddMyDriveParent "
    "canChangeCopyRequiresWriterPermission canChangeItemDownloadRestriction canChangeSecurityUpdateEnabled "
    "canChangeViewersCanCopyContent canComment canCopy canDelete canDeleteChildren canDisableInheritedPermissions "
    "canDownload canEdit canEnableInheritedPermissions canListChildren canModifyContent canModifyContentRestriction "
    "canModifyEditorContentRestriction canModifyLabels canModifyOwnerContentRestriction canMoveChildrenOutOfDrive "
    "canMoveChildrenOutOfTeamDrive canMoveChildrenWithinDrive canMoveChildrenWithinTeamDrive canMoveItemIntoTeamDrive "
    "canMoveItemOutOfDrive canMoveItemOutOfTeamDrive canMoveItemWithinDrive canMoveItemWithinTeamDrive "
    "canMoveTeamDriveItem canReadDrive canReadLabels canReadRevisions canReadTeamDrive canRemoveChildren "
    "canRemoveContentRestriction canRemoveMyDriveParent canRename canShare canStartApproval canTrash canTrashChildren "
    "canUntrash"
)
FILE: Shape = {
    **_flat(
        "copyRequiresWriterPermission createdTime description driveId explicitlyTrashed fileExtension folderColorRgb "
        "fullFileExtension hasAugmentedPermissions hasThumbnail headRevisionId iconLink id "
        "inheritedPermissionsDisabled isAppAuthorized kind md5Checksum mimeType "
        "modifiedByMe modifiedByMeTime modifiedTime name originalFilename "
        "ownedByMe parents permissionIds quotaBytesUsed resourceKey sha1Checksum sha256Checksum shared "
        "sharedWithMeTime size spaces starred teamDriveId thumbnailLink thumbnailVersion trashed trashedTime version "
        "viewedByMe viewedByMeTime viewersCanCopyContent webContentLink webViewLink writersCanShare"
    ),
    "appProperties": ANY, "properties": ANY, "exportLinks": ANY, "capabilities": FILE_CAPABILITIES,
    "owners": USER, "lastModifyingUser": USER, "sharingUser": USER, "trashingUser": USER, "permissions": PERMISSION,
    "shortcutDetails": _flat("targetId targetMimeType targetResourceKey"),
    "clientEncryptionDetails": _flat("decryptionMetadata encryptionState"),
    "contentHints": {"indexableText": None, "thumbnail": _flat("image mimeType")},
    "contentRestrictions": {
        **_flat("ownerRestricted readOnly reason restrictionTime systemRestricted type"), "restrictingUser": USER
    },
    "downloadRestrictions": {
        "effectiveDownloadRestrictionWithContext": RESTRICTION, "itemDownloadRestriction": RESTRICTION
    },
    "imageMediaMetadata": {
        **_flat(
            "aperture cameraMake cameraModel colorSpace exposureBias exposureMode exposureTime flashUsed focalLength "
            "height isoSpeed lens maxApertureValue meteringMode rotation sensor subjectDistance time whiteBalance width"
        ),
        "location": _flat("altitude latitude longitude"),
    },
    "videoMediaMetadata": _flat("durationMillis height width"),
    "labelInfo": {"labels": ANY},
    "linkShareMetadata": _flat("securityUpdateEligible securityUpdateEnabled"),
}  # fmt: skip
DRIVE_CAPABILITIES = _flat(
    "canAddChildren canChangeCopyRequiresWriterPermissionRestriction canChangeDomainUsersOnlyRestriction "
    "canChangeDownloadRestriction canChangeDriveBackground canChangeDriveMembersOnlyRestriction "
    "canChangeSharingFoldersRequiresOrganizerPermissionRestriction canComment canCopy canDeleteChildren "
    "canDeleteDrive canDownload canEdit canListChildren canManageMembers canReadRevisions canRename canRenameDrive "
    "canResetDriveRestrictions canShare canTrashChildren"
)
DRIVE: Shape = {
    **_flat("backgroundImageLink colorRgb createdTime hidden id kind name orgUnitId themeId"),
    "backgroundImageFile": _flat("id width xCoordinate yCoordinate"),
    "capabilities": DRIVE_CAPABILITIES,
    "restrictions": {
        **_flat(
            "adminManagedRestrictions copyRequiresWriterPermission domainUsersOnly driveMembersOnly "
            "sharingFoldersRequiresOrganizerPermission"
        ),
        "downloadRestriction": RESTRICTION,
    },
}
REVISION: Shape = {
    **_flat(
        "id kind keepForever md5Checksum mimeType modifiedTime originalFilename publishAuto published publishedLink "
        "publishedOutsideDomain size"
    ),
    "exportLinks": ANY, "lastModifyingUser": USER,
}  # fmt: skip
CHANGE: Shape = {
    **_flat("changeType driveId fileId kind removed time type teamDriveId"),
    "file": FILE, "drive": DRIVE, "teamDrive": ANY,
}  # fmt: skip
FILE_LIST: Shape = {**_flat("incompleteSearch kind nextPageToken"), "files": FILE}
PERMISSION_LIST: Shape = {**_flat("kind nextPageToken"), "permissions": PERMISSION}
DRIVE_LIST: Shape = {**_flat("kind nextPageToken"), "drives": DRIVE}
REVISION_LIST: Shape = {**_flat("kind nextPageToken"), "revisions": REVISION}
CHANGE_LIST: Shape = {**_flat("kind newStartPageToken nextPageToken"), "changes": CHANGE}
GENERATED_IDS: Shape = _flat("ids kind space")
START_TOKEN: Shape = _flat("kind startPageToken")
OPERATION: Shape = {**_flat("done name"), "metadata": ANY, "response": ANY, "error": ANY}

DEFAULT_FILE = "kind,id,name,mimeType"
DEFAULT_FILE_LIST = "kind,incompleteSearch,nextPageToken,files(kind,id,name,mimeType,resourceKey)"
DEFAULT_PERMISSION = "kind,id,type,role"
DEFAULT_PERMISSION_LIST = "kind,nextPageToken,permissions(kind,id,type,role)"
DEFAULT_DRIVE = "kind,id,name"
DEFAULT_DRIVE_LIST = "kind,nextPageToken,drives(kind,id,name)"
DEFAULT_REVISION = "kind,id,mimeType,modifiedTime"
DEFAULT_REVISION_LIST = "kind,nextPageToken,revisions(kind,id,mimeType,modifiedTime)"
DEFAULT_CHANGE_LIST = (
    "kind,nextPageToken,newStartPageToken,changes(kind,type,changeType,time,removed,fileId,driveId,"
    "file(kind,id,name,mimeType,resourceKey),drive(kind,id,name))"
)
